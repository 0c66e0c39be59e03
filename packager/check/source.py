"""Where the bytes come from: the inspector opens nothing itself.

Addresses are URLs (`file:` for local files). The one who calls gives a `Source`; everything here
reads through a `View`, which asks for large pieces so that a box header costs no request.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urljoin, urlsplit

READ_AHEAD = 1 << 18  # bytes asked for at once
MAX_MANIFEST_BYTES = 16 << 20


class Unreadable(Exception):
    """There are no bytes at an address: missing, refused, or not what was asked for."""

    def __init__(self, address: str, problem: str) -> None:
        self.address = address
        self.problem = problem
        super().__init__(f"{address}: {problem}")


class Source(Protocol):
    """Gives sizes and bytes of files by address. Every method raises Unreadable only."""

    def size(self, address: str) -> int:
        """Length of the file in bytes."""
        ...

    def read(self, address: str, start: int, end: int) -> bytes:
        """The bytes of a half-open range, fewer where the file ends."""
        ...


class View:
    """One file, or bytes that stand for one, read through a window."""

    __slots__ = ("_data", "_source", "_start", "address", "size")

    def __init__(self, source: Source | None, address: str, data: bytes = b"") -> None:
        self._source = source
        self._data = data
        self._start = 0
        self.address = address
        self.size = len(data) if source is None else source.size(address)

    def read(self, start: int, end: int) -> bytes:
        """The bytes of a half-open range, fewer where the file ends."""
        end = min(end, self.size)
        if start >= end:
            return b""
        begin = start - self._start
        if self._source and (begin < 0 or end > self._start + len(self._data)):
            self._data = self._source.read(self.address, start, max(end, start + READ_AHEAD))
            self._start = start
            begin = 0
        return self._data[begin : begin + end - start]


def resolve(base: str, reference: str) -> str:
    """The address that a reference in a manifest means. RFC 3986, 5.

    Unreadable where it is no URL, or where a document of the network points into this machine.
    """
    try:
        address = urljoin(base, reference)
        scheme, home = urlsplit(address).scheme, urlsplit(base).scheme
    except ValueError as exc:
        raise Unreadable(base, f"{reference!r} is not a URL") from exc
    if scheme not in {"file", "http", "https"} or (scheme == "file" and home != "file"):
        raise Unreadable(base, f"{reference!r} is not to be followed from here")
    return address
