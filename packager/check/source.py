"""Where the bytes come from: the inspector opens nothing itself.

Addresses are URLs (`file:` for local files). The one who calls gives a `Source`; everything here
reads through a `View` of it and a `Window`, so that a box header costs no request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from packager.model import ByteSpan

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


class Window:
    """A source read ahead: one piece is kept, whatever file it is of."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._address = ""
        self._start = 0
        self._data = b""

    def size(self, address: str) -> int:
        """As the source has it."""
        return self._source.size(address)

    def read(self, address: str, start: int, end: int) -> bytes:
        """The bytes of a half-open range, fewer where the file ends."""
        begin = start - self._start
        if address != self._address or begin < 0 or end > self._start + len(self._data):
            self._data = self._source.read(address, start, max(end, start + READ_AHEAD))
            self._address, self._start = address, start
            begin = 0
        return self._data[begin : begin + end - start]


class View:
    """One file."""

    __slots__ = ("_source", "address", "size")

    def __init__(self, source: Source, address: str) -> None:
        self._source = source
        self.address = address
        self.size = source.size(address)

    def read(self, start: int, end: int) -> bytes:
        """The bytes of a half-open range, fewer where the file ends."""
        end = min(end, self.size)
        return self._source.read(self.address, start, end) if start < end else b""


class Pieces:
    """A source with more files in it: pieces of other files, made into boxes on the way."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces: dict[str, tuple[str, ByteSpan, Callable[[bytes], bytes]]] = {}

    def add(self, name: str, address: str, span: ByteSpan, opened: Callable[[bytes], bytes]) -> str:
        """Make a file of a range of another one; its address."""
        self._pieces[f"{address}#{name}"] = address, span, opened
        return f"{address}#{name}"

    def size(self, address: str) -> int:
        """Length of a file, or of what a piece becomes."""
        piece = self._pieces.get(address)
        return len(self._open(*piece)) if piece else self._source.size(address)

    def read(self, address: str, start: int, end: int) -> bytes:
        """A range of a file, or of what a piece becomes."""
        piece = self._pieces.get(address)
        return self._open(*piece)[start:end] if piece else self._source.read(address, start, end)

    def _open(self, address: str, span: ByteSpan, opened: Callable[[bytes], bytes]) -> bytes:
        return opened(self._source.read(address, span.start, span.end))


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
