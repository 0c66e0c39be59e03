"""Reading small request bodies and writing JSON answers."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import hdrs, web

from origin import headers
from origin.problems import OriginError

_WHOLE_S: Final = 30.0  # small bodies come at once


async def read_body(request: web.BaseRequest, limit_bytes: int) -> bytes:
    """The whole body; counted while it streams in, whatever its headers say.

    OriginError where it is too large, or takes too long, a byte at a time.
    """
    if hdrs.CONTENT_ENCODING in request.headers:  # could be a bomb
        raise OriginError(415, "content-encoding", "Send the body uncompressed.")
    content = request.content
    if content.is_eof():  # it came with the head, as small ones do: this takes a third of the time
        whole = content.read_nowait()
        if len(whole) <= limit_bytes:
            return whole
    elif (request.content_length or 0) <= limit_bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(_WHOLE_S):
                async for chunk in content.iter_any():
                    body += chunk
                    if len(body) > limit_bytes:
                        break
                else:
                    return bytes(body)
        except TimeoutError:
            raise OriginError(408, "body-too-slow", "The body took too long.") from None
    raise OriginError(413, "body-too-large", f"The body may have {limit_bytes} bytes.")


def no_store() -> dict[str, str]:
    """Header fields of an answer for one caller."""
    return {**headers.SHARED, hdrs.CACHE_CONTROL: headers.NO_STORE}


def json_answer(document: dict[str, Any], *, status: int = 200) -> web.Response:
    """A JSON document for one caller."""
    return web.json_response(document, status=status, headers=no_store())
