"""Range and conditional requests, and which answers RFC 9110 has for each.

`allowed` are all answers that the RFC lets a server choose from, the first being ours. Where nginx
1.22 gives another for a plain file, `nginx` is that answer and `why` says what is wrong with it.

In field values {etag} is the representation's entity tag with its quotes, {size} its length, {last}
the position of its last byte, {date} the Last-Modified of a server that says one (else a date).
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Case:
    """One request, and what may come of it."""

    name: str
    clause: str  # of RFC 9110
    fields: tuple[str, ...]
    allowed: tuple[str, ...]  # of: 200, 206 0-9, 206 0-1,5-6, 304, 412, 416, 400, 405
    method: str = "GET"
    nginx: str | None = None
    why: str = ""


def _case(
    name: str, clause: str, fields: str, allowed: str, nginx: str | None = None, why: str = ""
) -> Case:
    lines = tuple(line.strip() for line in fields.split("|") if line.strip())
    method = "GET"
    if lines and ":" not in lines[0]:
        method, lines = lines[0], lines[1:]
    return Case(name, clause, lines, tuple(allowed.split(" | ")), method, nginx, why)


_FREE = "200 | 416 | 400"  # an invalid set may be ignored or refused: 14.2

CASES: tuple[Case, ...] = (
    # --- one range: 14.1.2, 14.2 -----------------------------------------------------------------
    _case("no range", "9.3.1", "", "200"),
    _case("the first byte", "14.1.2", "Range: bytes=0-0", "206 0-0"),
    _case("the first ten", "14.1.2", "Range: bytes=0-9", "206 0-9"),
    _case("ten in the middle", "14.1.2", "Range: bytes=100-109", "206 100-109"),
    _case("all of it", "14.1.2", "Range: bytes=0-{last}", "206 0-{last}"),
    _case("one more than all", "14.1.2", "Range: bytes=0-{size}", "206 0-{last}"),
    _case("far beyond the end", "14.1.2", "Range: bytes=10-999999999", "206 10-{last}"),
    _case("from a byte on", "14.1.2", "Range: bytes=10-", "206 10-{last}"),
    _case("from the first on", "14.1.2", "Range: bytes=0-", "206 0-{last}"),
    _case("the last byte by position", "14.1.2", "Range: bytes={last}-", "206 {last}-{last}"),
    _case("from the end on", "15.5.17", "Range: bytes={size}-", "416"),
    _case("beyond the end", "15.5.17", "Range: bytes={size}-999999999", "416"),
    _case("the last byte", "14.1.2", "Range: bytes=-1", "206 {last}-{last}"),
    _case("a suffix as long as it", "14.1.2", "Range: bytes=-{size}", "206 0-{last}"),
    _case("a longer suffix", "14.1.2", "Range: bytes=-999999999", "206 0-{last}"),
    _case("a suffix of nothing", "14.1.2", "Range: bytes=-0", "416"),
    _case("leading zeros", "14.1.1", "Range: bytes=000-0009", "206 0-9"),
    _case("a position without end", "14.1.1", f"Range: bytes={'9' * 40}-", "416"),
    _case(
        "a last position without end",
        "14.1.2",
        f"Range: bytes=0-{'9' * 40}",
        "206 0-{last}",
        "416",
        "a last position past the end means the end, whatever its digits",
    ),
    _case(
        "a suffix without end",
        "14.1.2",
        f"Range: bytes=-{'9' * 40}",
        "206 0-{last}",
        "416",
        "a suffix longer than it means all of it, whatever its digits",
    ),
    _case("the unit in capitals", "14.1", "Range: BYTES=0-9", "206 0-9"),
    _case("space after the value", "5.5", "Range: bytes=0-9  ", "206 0-9"),
    _case("space before the value", "5.5", "Range:    bytes=0-9", "206 0-9"),
    # --- what is no range: 14.2 ------------------------------------------------------------------
    _case("an unknown unit", "14.2", "Range: items=0-9", "200"),
    _case("last before first", "14.2", "Range: bytes=5-2", _FREE),
    _case("letters", "14.2", "Range: bytes=abc", _FREE),
    _case("an empty set", "14.2", "Range: bytes=", _FREE),
    _case("a hyphen alone", "14.2", "Range: bytes=-", _FREE),
    _case("a position alone", "14.2", "Range: bytes=1", _FREE),
    _case("three positions", "14.2", "Range: bytes=1-2-3", _FREE),
    _case("a negative position", "14.2", "Range: bytes=--1", _FREE),
    _case("no equals sign", "14.2", "Range: bytes 0-9", _FREE),
    _case("hex", "14.2", "Range: bytes=0x0-0x9", _FREE),
    _case("one that is none beside one", "14.2", "Range: bytes=0-1,abc", _FREE),
    _case("an empty field", "14.2", "Range:", _FREE),
    # --- several ranges: 14.2, 15.3.7.2 ----------------------------------------------------------
    _case("two apart", "15.3.7.2", "Range: bytes=0-1,5-6", "200 | 206 0-1,5-6 | 206 0-6"),
    _case(
        "two apart, spaces",
        "5.6.1",
        "Range: bytes=0-1 ,\t5-6",
        "200 | 206 0-1,5-6 | 206 0-6",
        "416",
        "there may be a tab around a list's comma",
    ),
    _case("two that touch", "15.3.7.2", "Range: bytes=0-4,5-9", "206 0-9 | 206 0-4,5-9 | 200"),
    _case("two that overlap", "15.3.7.2", "Range: bytes=0-9,5-14", "206 0-14 | 206 0-9,5-14 | 200"),
    _case("out of order", "15.3.7.2", "Range: bytes=5-9,0-4", "206 0-9 | 206 5-9,0-4 | 200"),
    _case(
        "a suffix beside a start",
        "15.3.7.2",
        "Range: bytes=0-9,-5",
        "200 | 206 0-9,{last-4}-{last}",
    ),
    _case("one of two exists", "15.3.7.2", "Range: bytes=0-1,{size}-", "206 0-1 | 200"),
    _case("none of two exists", "15.5.17", "Range: bytes={size}-,-0", "416"),
    _case(
        "empty elements",
        "5.6.1.2",
        "Range: bytes=0-1,,5-6",
        "200 | 206 0-1,5-6 | 206 0-6",
        "416",
        "MUST parse and ignore empty list elements",
    ),
    _case(
        "an empty first element",
        "5.6.1.2",
        "Range: bytes=,0-1",
        "206 0-1 | 200",
        "416",
        "MUST parse and ignore empty list elements",
    ),
    _case(
        "more than a server takes",
        "14.2",
        "Range: bytes=" + ",".join(f"{at}-{at}" for at in range(0, 200, 10)),
        "200 | 416 | 206 " + ",".join(f"{at}-{at}" for at in range(0, 200, 10)),
    ),
    _case(
        "the same many times",
        "14.2",
        "Range: bytes=" + ",".join(["0-"] * 20),
        "200 | 206 0-{last} | 416",
    ),
    _case(
        "two lines",
        "5.3",
        "Range: bytes=0-1 | Range: bytes=5-6",
        "200 | 206 0-1 | 206 5-6 | 206 0-1,5-6 | 400",
    ),
    # --- HEAD and others: 14.2 -------------------------------------------------------------------
    _case("HEAD", "9.3.2", "HEAD", "200"),
    _case(
        "HEAD with a range",
        "14.2",
        "HEAD | Range: bytes=0-9",
        "200",
        "206 0-9",
        "MUST ignore Range for methods other than GET",
    ),
    _case(
        "HEAD beyond the end",
        "14.2",
        "HEAD | Range: bytes={size}-",
        "200",
        "416",
        "MUST ignore Range for methods other than GET",
    ),
    _case("HEAD that matches", "13.1.2", "HEAD | If-None-Match: {etag}", "304"),
    _case("HEAD of something else", "13.1.1", 'HEAD | If-Match: "x"', "412"),
    _case("POST with a range", "9.3.3", "POST | Range: bytes=0-9 | Content-Length: 0", "405"),
    # --- If-Range: 13.1.5 ------------------------------------------------------------------------
    _case("If-Range matches", "13.1.5", "Range: bytes=0-9 | If-Range: {etag}", "206 0-9"),
    _case("If-Range is another", "13.1.5", 'Range: bytes=0-9 | If-Range: "x"', "200"),
    _case("If-Range is weak", "13.1.5", "Range: bytes=0-9 | If-Range: W/{etag}", "200"),
    _case("If-Range without Range", "13.1.5", "If-Range: {etag}", "200"),
    _case("If-Range, date", "13.1.5", "Range: bytes=0-9 | If-Range: {date}", "200 | 206 0-9"),
    _case(
        "If-Range, old date",
        "13.1.5",
        "Range: bytes=0-9 | If-Range: Sat, 01 Jan 2000 00:00:00 GMT",
        "200",
    ),
    _case(
        "If-Range, future date",
        "13.1.5",
        "Range: bytes=0-9 | If-Range: Fri, 01 Jan 2100 00:00:00 GMT",
        "200",
    ),
    _case("If-Range, nonsense", "13.1.5", "Range: bytes=0-9 | If-Range: nonsense", "200"),
    _case("If-Range, star", "13.1.5", "Range: bytes=0-9 | If-Range: *", "200"),
    _case("If-Range, a list", "13.1.5", 'Range: bytes=0-9 | If-Range: "x", {etag}', "200"),
    _case(
        "If-Range matches, beyond the end",
        "13.1.5",
        "Range: bytes={size}- | If-Range: {etag}",
        "416",
    ),
    _case(
        "If-Range is another, beyond the end",
        "13.1.5",
        'Range: bytes={size}- | If-Range: "x"',
        "200",
    ),
    # --- If-None-Match: 13.1.2 -------------------------------------------------------------------
    _case("the tag", "13.1.2", "If-None-Match: {etag}", "304"),
    _case("the tag, weak", "13.1.2", "If-None-Match: W/{etag}", "304"),
    _case("another tag", "13.1.2", 'If-None-Match: "x"', "200"),
    _case("in a list", "13.1.2", 'If-None-Match: "x", W/"y",{etag}', "304"),
    _case("star", "13.1.2", "If-None-Match: *", "304"),
    _case(
        "in the second line",
        "5.3",
        'If-None-Match: "x" | If-None-Match: {etag}',
        "304",
        "400",
        "several lines of a list are one list",
    ),
    _case("a tag with a comma", "8.8.3", 'If-None-Match: "x, y"', "200"),
    _case("a tag without quotes", "8.8.3", "If-None-Match: x", "200"),
    _case("an empty list", "13.1.2", "If-None-Match:", "200"),
    _case("the tag, and a range", "13.2.2", "If-None-Match: {etag} | Range: bytes=0-9", "304"),
    _case("another tag, and a range", "13.2.2", 'If-None-Match: "x" | Range: bytes=0-9', "206 0-9"),
    _case(
        "the tag, beyond the end", "13.2.2", "If-None-Match: {etag} | Range: bytes={size}-", "304"
    ),
    _case(
        "the tag, and If-Range",
        "13.2.2",
        "If-None-Match: {etag} | Range: bytes=0-9 | If-Range: {etag}",
        "304",
    ),
    _case(
        "the tag, and an old date",
        "13.1.3",
        "If-None-Match: {etag} | If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT",
        "304",
        "200",
        "MUST ignore If-Modified-Since beside If-None-Match",
    ),
    _case(
        "another tag, and the date",
        "13.1.3",
        'If-None-Match: "x" | If-Modified-Since: {date}',
        "200",
    ),
    # --- If-Modified-Since and If-Unmodified-Since: 13.1.3, 13.1.4 -------------------------------
    # Without a modification date both are to be ignored: ours says none, its tags are exact.
    _case("not since its date", "13.1.3", "If-Modified-Since: {date}", "200 | 304"),
    _case(
        "not since the future",
        "13.1.3",
        "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
        "200 | 304",
    ),
    _case("since long ago", "13.1.3", "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT", "200"),
    _case("since nonsense", "13.1.3", "If-Modified-Since: yesterday", "200"),
    _case("unmodified since its date", "13.1.4", "If-Unmodified-Since: {date}", "200"),
    _case(
        "unmodified since long ago",
        "13.1.4",
        "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT",
        "200 | 412",
    ),
    _case(
        "unmodified since nonsense",
        "13.1.4",
        "If-Unmodified-Since: yesterday",
        "200",
        "412",
        "MUST ignore what is no date",
    ),
    # --- If-Match: 13.1.1 ------------------------------------------------------------------------
    _case("If-Match, the tag", "13.1.1", "If-Match: {etag}", "200"),
    _case("If-Match, another", "13.1.1", 'If-Match: "x"', "412"),
    _case("If-Match, weak", "13.1.1", "If-Match: W/{etag}", "412"),
    _case("If-Match, star", "13.1.1", "If-Match: *", "200"),
    _case("If-Match, in a list", "13.1.1", 'If-Match: "x", {etag}', "200"),
    _case("If-Match, and a range", "13.2.2", "If-Match: {etag} | Range: bytes=0-9", "206 0-9"),
    _case("If-Match another, and a range", "13.2.2", 'If-Match: "x" | Range: bytes=0-9', "412"),
    _case(
        "If-Match another, beyond the end", "13.2.2", 'If-Match: "x" | Range: bytes={size}-', "412"
    ),
    _case(
        "If-Match another, and the tag", "13.2.2", 'If-Match: "x" | If-None-Match: {etag}', "412"
    ),
    _case("If-Match, and the tag", "13.2.2", "If-Match: {etag} | If-None-Match: {etag}", "304"),
    _case(
        "If-Match, and an old date",
        "13.1.4",
        "If-Match: {etag} | If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT",
        "200",
        "412",
        "MUST ignore If-Unmodified-Since beside If-Match",
    ),
    _case(
        "unmodified long ago, and the tag",
        "13.2.2",
        "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT | If-None-Match: {etag}",
        "304 | 412",
    ),
)


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for: its URL, its bytes, and how a server names this state of it."""

    url: str
    body: bytes
    etag: str
    date: str

    @classmethod
    def at(cls, url: str) -> Resource:
        """As the server has it."""
        got = exchange(url, "GET", ())
        assert got.status == 200, got
        date = got.fields.get("last-modified", "Sat, 21 Nov 2026 00:00:00 GMT")
        return cls(url, got.body, got.fields["etag"], date)

    def filled(self, text: str) -> str:
        """The text with this resource's values."""
        last = len(self.body) - 1
        for name, value in {
            "etag": self.etag,
            "date": self.date,
            "size": str(len(self.body)),
            "last": str(last),
            "last-4": str(last - 4),
        }.items():
            text = text.replace("{" + name + "}", value)
        return text

    def answer(self, case: Case) -> str:
        """How the server answers, in the table's words; fails for what contradicts itself."""
        got = exchange(self.url, case.method, tuple(map(self.filled, case.fields)))
        if got.status == 206:
            return f"206 {self._parts(got)}"
        if got.status == 200:
            expected = b"" if case.method == "HEAD" else self.body
            assert got.body == expected, "200 without all of it"
            assert int(got.fields["content-length"]) == len(self.body)
            assert "content-range" not in got.fields
        if got.status == 416:
            assert got.fields["content-range"] == f"bytes */{len(self.body)}"  # 15.5.17
        if got.status == 304:
            assert got.body == b""
            assert got.fields["etag"] == self.etag  # 15.4.5
        return str(got.status)

    def _parts(self, got: Response) -> str:
        """The ranges of a 206, each compared with the bytes that it names. 15.3.7."""
        assert got.fields.get("etag") == self.etag
        kind = got.fields["content-type"]
        if not kind.startswith("multipart/byteranges"):
            return self._part(got.fields["content-range"], got.body)
        assert "content-range" not in got.fields
        boundary = kind.partition("boundary=")[2].strip('"').encode()
        pieces = got.body.split(b"--" + boundary)
        assert pieces[-1].strip() == b"--"
        parts = []
        for piece in pieces[1:-1]:
            head, _, body = piece.partition(b"\r\n\r\n")
            match = re.search(rb"(?i)content-range: *(.*)", head)
            assert match
            parts.append(self._part(match[1].decode().strip(), body.removesuffix(b"\r\n")))
        return ",".join(parts)

    def _part(self, content_range: str, body: bytes) -> str:
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", content_range)
        assert match, content_range
        first, last, size = map(int, match.groups())
        assert size == len(self.body)
        assert body in {self.body[first : last + 1], b""}, "other bytes than it says"
        return f"{first}-{last}"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; names of fields in lower case."""

    status: int
    fields: dict[str, str]
    body: bytes


def exchange(url: str, method: str, lines: tuple[str, ...]) -> Response:
    """Send one request, its field lines as they are, over a connection of its own."""
    parts = urlsplit(url)
    head = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close", *lines]
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20) as server:
        server.sendall(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
        data = b"".join(iter(lambda: server.recv(1 << 18), b""))
    top, _, body = data.partition(b"\r\n\r\n")
    status, *rest = top.decode("latin-1").split("\r\n")
    fields = {}
    for line in rest:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return Response(int(status.split()[1]), fields, body)
