"""Heads of requests in their plainest form, read in a tenth of the time that a parser takes. Pure.

Only what cannot be understood in two ways is read here; everything else (None) is for aiohttp's
parser to read or to refuse: a field that is there twice, bodies that are framed in any other way
than by one Content-Length, folded lines, bare line feeds, octets beyond ASCII, HTTP/1.0, pipelines.
So there is no request that this module understands and the parser understands differently.
"""

from __future__ import annotations

import re

from multidict import CIMultiDict, CIMultiDictProxy

_LONGEST = 8000  # bytes; aiohttp refuses lines from 8190 on
_TARGET = rb"/v1/t/([A-Za-z0-9._~-]{1,512})/([!\"$->@-~]+)(\?[!\"$-~]*)?"
_GET = re.compile(rb"GET (" + _TARGET + rb") HTTP/1\.1\r(?=\n)")  # its last group is the query
_POST = re.compile(rb"POST ((/[!\"$->@-~]*)(?:\?[!\"$-~]*)?) HTTP/1\.1\r(?=\n)")
# Field lines as RFC 9112, 5 has them, each with the line feed before it instead of its own; values
# are printable ASCII. 64 at most: aiohttp refuses more than 128.
_FIELDS = re.compile(rb"(?:\n[!#-'*+.^-`|~0-9A-Za-z-]+:[\t -~]*\r){0,64}\n\r\n")
_NAMES = re.compile(rb"\n([^:\r]+):")  # in lower case
_KEPT = b"\nconnection: keep-alive\r"
_RANGE = re.compile(rb"\n[Rr]ange: (bytes=[0-9-]+)\r")
_LENGTH = re.compile(rb"\n[Cc]ontent-[Ll]ength: ([0-9]{1,5})\r")
_BEARER = re.compile(rb"\n[Aa]uthorization: Bearer ([!-~]+)\r")
_REQUEST_ID = re.compile(rb"\n[Xx]-[Rr]equest-[Ii][Dd]: ([!-~]+)\r")
_QUERY = re.compile(rb"\?token=([A-Za-z0-9._~-]+)$")
# What decides about the connection, the body or the answer.
_DECISIVE = frozenset(
    b"connection content-encoding content-length content-range expect http2-settings if-match"
    b" if-modified-since if-none-match if-range if-unmodified-since keep-alive proxy-connection"
    b" range te trailer transfer-encoding upgrade".split()
)
_DECISIVE_POSTED = _DECISIVE | {b"authorization"}  # another than the one that was read
_NOTHING: set[bytes] = set()


class PlainHead:
    """A head that was read. The policy asks it as it asks requests: see `origin.caller`.

    So does whoever counts requests: it has what `origin.access_log` looks at.
    """

    __slots__ = (
        *("_bearer", "_fields", "_headers", "has_report", "method", "path"),
        *("range", "remote", "target", "token"),
    )

    def __init__(
        self,
        target: bytes,
        fields: bytes,
        remote: str | None,
        path: str,
        *,
        method: str,
        token: str = "",
        bearer: bytes | None = None,
        wanted: str | None = None,
        has_report: bool = False,
    ) -> None:
        self.method = method
        self.target = target  # path and query, as sent
        self.path = path  # of media: what follows the token
        self.token = token
        self.range = wanted  # the Range field
        self.remote = remote
        self.has_report = has_report  # of a player (CMCD)
        self._bearer = bearer
        self._fields = fields
        self._headers: CIMultiDictProxy[str] | None = None

    @property
    def raw_path(self) -> str:
        """Path and query, as aiohttp calls them."""
        return self.target.decode("ascii")

    def get(self, _key: object, default: object = None) -> object:
        """Nothing: what aiohttp's requests keep for whoever handles them is not kept here."""
        return default

    @property
    def bearer(self) -> str | None:
        """A POST's token: of `Authorization: Bearer`, or else of `?token=` alone."""
        if self._bearer is not None:
            return self._bearer.decode("ascii")
        found = _QUERY.search(self.target)
        return None if found is None else found[1].decode("ascii")

    @property
    def request_id(self) -> str:
        """`X-Request-Id`, or nothing."""
        found = _REQUEST_ID.search(self._fields)
        return "" if found is None else found[1].decode("ascii")

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """All header fields; read when somebody asks."""
        if self._headers is None:
            fields: CIMultiDict[str] = CIMultiDict()
            for line in self._fields.decode("ascii").split("\r"):
                name, colon, value = line[1:].partition(":")
                if colon:
                    fields.add(name, value.strip(" \t"))
            self._headers = CIMultiDictProxy(fields)
        return self._headers


class HeadReader:
    """Reads the heads of one connection, most of whose fields are the same each time."""

    __slots__ = ("_plain", "_posted", "_remote", "_reports")

    def __init__(self, remote: str | None) -> None:
        self._remote = remote
        # Fields that were looked at last, and decide nothing: of a GET, of a POST.
        self._plain = self._posted = b""
        self._reports = False  # whether a player's report is among them

    def media(self, data: bytes) -> PlainHead | None:
        """A GET under a token: no preconditions, no body, and the connection is to stay open."""
        line = _GET.match(data)
        if line is None or len(data) > _LONGEST:
            return None
        fields = others = data[line.end() :]
        wanted = None
        if (range_ := _RANGE.search(fields)) is not None:
            wanted = range_[1].decode("ascii")
            others = fields[: range_.start()] + fields[range_.end() :]
        if others != self._plain:
            if _decisive(others) != _NOTHING:
                return None
            self._plain = others
            self._reports = b"\ncmcd-" in others.lower()
        target, token, rest, query = line.groups()
        return PlainHead(
            target,
            fields,
            self._remote,
            rest.decode("ascii"),
            method="GET",
            token=token.decode("ascii"),
            wanted=wanted,
            has_report=self._reports or (query is not None and b"CMCD=" in query),
        )

    def post(self, data: bytes) -> tuple[PlainHead, bytes] | None:
        """A POST that came whole, with one Content-Length, and its body."""
        line = _POST.match(data)
        end = data.find(b"\r\n\r\n") + 4
        if line is None or not line.end() < end <= _LONGEST:
            return None
        fields = data[line.end() : end]
        length = _LENGTH.search(fields)
        if length is None or int(length[1]) != len(data) - end:
            return None
        others = fields[: length.start()] + fields[length.end() :]
        bearer = None
        if (shown := _BEARER.search(others)) is not None:
            bearer = shown[1]
            others = others[: shown.start()] + others[shown.end() :]
        if others != self._posted:
            if _decisive(others, _DECISIVE_POSTED) != _NOTHING:
                return None
            self._posted = others
        target, path = line.groups()
        return PlainHead(
            target, fields, self._remote, path.decode("ascii"), method="POST", bearer=bearer
        ), data[end:]


def _decisive(fields: bytes, which: frozenset[bytes] = _DECISIVE) -> set[bytes] | None:
    """The names that decide something, but for a `Connection` that says nothing new.

    None unless these are field lines, each name once, and Host among them.
    """
    if _FIELDS.fullmatch(fields) is None:
        return None
    lower = fields.lower()
    names = _NAMES.findall(lower)
    unique = set(names)
    if len(unique) != len(names) or b"host" not in unique:
        return None
    decisive = unique & which
    if b"connection" in decisive and _KEPT in lower:
        decisive.discard(b"connection")
    return decisive
