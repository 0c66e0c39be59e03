"""A form with a file in it: the small way in. RFC 7578.

Read as it streams in, with bounded memory: fields of text before or after the file.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.multipart import MultipartReader

from catalog.records import UploadRecord
from configs.bounds import SAID_BYTES
from origin.problems import OriginError
from origin.uploads import tus
from origin.uploads.desk import Desk, unfinished
from origin.uploads.receive import Ending

_FILE = "file"
_MAX_PARTS = 40
_MAX_OVERHEAD = 1 << 20  # of a form over its file
_FAILED = "the form did not come to its end"


async def receive_form(request: web.Request, desk: Desk, owner: str) -> UploadRecord:
    """Take a form in and make a job of its file. OriginError for what is wrong with it."""
    limit = min(desk.settings.form_bytes, desk.settings.limits_of(owner).max_bytes)
    length = request.content_length
    if length is not None and length > limit + _MAX_OVERHEAD:
        detail = f"A form's file may have {limit} bytes: larger ones go up by tus."
        raise OriginError(413, "form-too-large", detail)
    form = _Form(desk, owner, limit if length is None else min(limit, length))
    try:
        async with asyncio.timeout(None) as patience:
            await form.read(await request.multipart(), patience)
        return await form.settle()
    except TimeoutError as exc:
        await form.drop()
        raise unfinished(Ending.SILENT) from exc
    except BaseException:
        await form.drop()
        raise


class _Form:
    def __init__(self, desk: Desk, owner: str, limit: int) -> None:
        self._desk = desk
        self._owner = owner
        self._limit = limit
        self._pairs: dict[str, str] = {}
        self._record: UploadRecord | None = None

    async def read(self, reader: MultipartReader, patience: asyncio.Timeout) -> None:
        """Read all parts."""
        loop = asyncio.get_running_loop()
        for _ in range(_MAX_PARTS):
            patience.reschedule(loop.time() + self._desk.settings.idle_s)
            try:
                part = await reader.next()
            except ValueError as exc:  # no boundary, a line that is too long, a wrong encoding
                raise _malformed() from exc
            if part is None:
                return
            if not isinstance(part, BodyPartReader) or hdrs.CONTENT_ENCODING in part.headers:
                raise _malformed()
            if part.name == _FILE:
                patience.reschedule(None)
                await self._take(part)
            else:
                self._pairs[part.name or ""] = await _text(part)
        raise _malformed()

    async def settle(self) -> UploadRecord:
        """Make the job."""
        if self._record is None:
            raise OriginError(400, "no-file", f"The form has no {_FILE}.")
        said = tus.said({**self._pairs, "filename": self._record.name})
        return await self._desk.settle(self._record, said.fields)

    async def drop(self) -> None:
        """End what was begun, unless it has ended, or is a job."""
        if self._record is not None:
            with suppress(OriginError):
                await self._desk.terminate(self._owner, self._record.upload_id, _FAILED)

    async def _take(self, part: BodyPartReader) -> None:
        if self._record is not None:
            raise OriginError(400, "one-file", "Send one file in a form.")
        said = tus.said({**self._pairs, "filename": part.filename or ""})
        self._record = await self._desk.announce(self._owner, said, self._limit)
        self._record = await self._desk.take(self._record, part.read_chunk)


async def _text(part: BodyPartReader) -> str:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > SAID_BYTES:
            raise OriginError(413, "field-too-large", f"{SAID_BYTES} bytes of text.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _malformed() from None


def _malformed() -> OriginError:
    return OriginError(400, "malformed-form", "It is not multipart/form-data as RFC 7578 has it.")
