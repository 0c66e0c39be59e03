"""Bytes by address for the inspector: local files, and HTTP servers by range.

The one place outside the origin that speaks HTTP, and only to look.
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packager.check.source import READ_AHEAD, Source, Unreadable

_TIMEOUT_S = 30
_TOTAL = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")  # RFC 9110, 14.4


class LocalFiles:
    """`file:` addresses."""

    def size(self, address: str) -> int:
        """Length of the file."""
        path = _path(address)
        try:
            if not path.is_file():
                raise Unreadable(address, "there is no such file")
            return path.stat().st_size
        except (OSError, ValueError) as exc:
            raise Unreadable(address, f"cannot be read: {exc}") from exc

    def read(self, address: str, start: int, end: int) -> bytes:
        """Bytes of a half-open range."""
        try:
            with _path(address).open("rb") as file:
                file.seek(start)
                return file.read(end - start)
        except (OSError, ValueError) as exc:
            raise Unreadable(address, f"cannot be read: {exc}") from exc


class HttpFiles:
    """`http:` and `https:` addresses. A request for each range, and none for a size alone."""

    def __init__(self) -> None:
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            self._opener.add_handler(handler)
        self._first = ("", b"")  # what came with the size of the last file

    def size(self, address: str) -> int:
        """Length of the file, from the answer to a request for its start."""
        data, total = self._get(address, 0, READ_AHEAD)
        self._first = (address, data)
        return total

    def read(self, address: str, start: int, end: int) -> bytes:
        """Bytes of a half-open range."""
        known, data = self._first
        if known == address and end <= len(data):
            return data[start:end]
        return self._get(address, start, end)[0]

    def _get(self, address: str, start: int, end: int) -> tuple[bytes, int]:
        request = urllib.request.Request(  # noqa: S310 - the opener knows http and https only
            address, headers={"Range": f"bytes={start}-{end - 1}"}
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                if answer.status != 206 and start:
                    raise Unreadable(address, "the server does not answer ranges (206)")
                return answer.read(end - start), _length(address, answer)
        except urllib.error.HTTPError as exc:
            with exc:
                if exc.code == 416 and start == 0:
                    return b"", 0  # RFC 9110, 15.5.17: an empty file has no range
                raise Unreadable(address, f"the server answers {exc.code}") from exc
        except (OSError, ValueError, http.client.HTTPException) as exc:
            raise Unreadable(address, f"cannot be fetched: {exc}") from exc


class ByteSources:
    """Both, by the scheme of the address."""

    def __init__(self) -> None:
        self._local = LocalFiles()
        self._http = HttpFiles()

    def size(self, address: str) -> int:
        """Length of the file."""
        return self._of(address).size(address)

    def read(self, address: str, start: int, end: int) -> bytes:
        """Bytes of a half-open range."""
        return self._of(address).read(address, start, end)

    def _of(self, address: str) -> Source:
        return self._local if urlsplit(address).scheme == "file" else self._http


def _path(address: str) -> Path:
    return Path(unquote(urlsplit(address).path))


def _length(address: str, answer: http.client.HTTPResponse) -> int:
    if answer.status == 206:
        found = _TOTAL.fullmatch(answer.headers.get("Content-Range", ""))
        if found:
            return int(found[1])
        raise Unreadable(address, "a partial answer without Content-Range")
    length = answer.headers.get("Content-Length", "")
    if not length.isdigit():
        raise Unreadable(address, "the server does not say how long the file is")
    return int(length)
