"""Common Media Client Data: what players say of themselves. CTA-5004 (v1), CTA-5004-A (v2).

A report is a list `key=value,key,...` in the manner of structured fields (RFC 8941): integers and
decimals, tokens, "strings", true as the key alone; in v2 also inner lists of numbers and strings
with parameters, `br=(96;a 3200;v)`, of which the one for audio counts here, else the first.
It comes as the query argument `CMCD`, as four header fields, or one a line in the body of a POST
(event mode).

Everything here is a stranger's word. What is longer than allowed is refused, values that cannot be
are left out, nothing is ever looked up by them. All functions are pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

HEADERS = ("CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status")

_MAX_TEXT = 4096  # characters of one report; players write some hundred
_MAX_KEYS = 80  # there are about sixty, with some of a service's own
_MAX_SESSION = 64  # CTA-5004, sid
_ITEM = re.compile(
    r'(?P<key>[A-Za-z][A-Za-z0-9_.*-]{0,63})(?:=(?P<value>"(?:[^"\\]|\\.)*"|\([^()]*\)|[^,"()]*))?'
)
_MEMBER = re.compile(r'(?P<value>"(?:[^"\\]|\\.)*"|[^\s;()"]+)(?P<parameters>(?:;[^\s;()"]+)*)')
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")
_TOKEN = re.compile(r"[a-z]{1,3}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")

_OF_USE = frozenset(
    [
        "bl",
        "br",
        "bs",
        "cdn",
        "d",
        "e",
        "msd",
        "mtp",
        "ot",
        "rc",
        "sid",
        "sta",
        "su",
        "ts",
        "url",
        "v",
    ]
)

_Value = str | float | bool


class MalformedReport(ValueError):
    """It is not CMCD, or more of it than anybody needs to say."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says that is of use here; None where it does not."""

    version: int = 1
    session: str | None = None  # sid
    object_type: str | None = None  # ot: a, v, av, i, m, k, ...
    bitrate_kbps: float | None = None  # br
    duration_ms: float | None = None  # d
    buffer_ms: float | None = None  # bl
    throughput_kbps: float | None = None  # mtp
    is_startup: bool = False  # su
    is_starved: bool = False  # bs
    start_delay_ms: float | None = None  # msd
    state: str | None = None  # sta: s, p, k, r, a, w, e, f, q, d
    event: str | None = None  # e: ps, t, rr, e, ...
    at_ms: float | None = None  # ts, Unix
    cdn: str | None = None  # cdn
    url: str | None = None  # url, of an `rr` event
    status: int | None = None  # rc, of an `rr` event


def of_query(query: str) -> Report | None:
    """The report in a request's query string; None where there is none. MalformedReport."""
    for argument in query.split("&"):
        name, is_given, value = argument.partition("=")
        if name == "CMCD" and is_given:
            if len(value) > 3 * _MAX_TEXT:  # each character may be written as three
                raise MalformedReport("too long")
            return parse(unquote(value, errors="replace"))
    return None


def parse(text: str) -> Report:
    """A report. MalformedReport."""
    values = items(text)
    version = _number(values, "v", 1, 9)
    return Report(
        version=1 if version is None else int(version),
        session=_text(values, "sid", _MAX_SESSION),
        object_type=_token(values, "ot"),
        bitrate_kbps=_number(values, "br", 1, 1e6),
        duration_ms=_number(values, "d", 0, 3600e3),
        buffer_ms=_number(values, "bl", 0, 3600e3),
        throughput_kbps=_number(values, "mtp", 0, 1e8),
        is_startup=values.get("su") is True,
        is_starved=values.get("bs") is True,
        start_delay_ms=_number(values, "msd", 0, 3600e3),
        state=_token(values, "sta"),
        event=_token(values, "e"),
        at_ms=_number(values, "ts", 0, 1e14),
        cdn=_text(values, "cdn", 128),
        url=_text(values, "url", 2048),
        status=_status(values),
    )


def items(text: str) -> dict[str, _Value]:
    """The keys of use and their values; a key that comes twice has its last. MalformedReport."""
    if len(text) > _MAX_TEXT or not _PRINTABLE.fullmatch(text):
        raise MalformedReport("too long, or not ASCII")
    values: dict[str, _Value] = {}
    at = count = 0
    while at < len(text):
        found = _ITEM.match(text, at)
        count += 1
        if found is None or count > _MAX_KEYS:
            raise MalformedReport(f"at character {at}")
        at = found.end()
        if at < len(text):
            if text[at] != ",":
                raise MalformedReport(f"at character {at}")
            at += 1
            while at < len(text) and text[at] == " ":
                at += 1
        key, value = found.groups()
        if key in _OF_USE:
            values[key] = _value(value)
    return values


def _value(text: str | None) -> _Value:
    if text is None:
        return True
    text = text.strip()
    if text.startswith("("):
        return _of_list(text[1:-1])
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return float(text) if _NUMBER.fullmatch(text) else text


def _of_list(text: str) -> _Value:
    """The member of an inner list that is of audio, else the first; "" of an empty one."""
    members = list(_MEMBER.finditer(text))
    if not members:
        return ""
    of_audio = (one for one in members if "a" in one["parameters"].split(";"))
    return _value(next(of_audio, members[0])["value"])


def _number(values: Mapping[str, _Value], key: str, least: float, most: float) -> float | None:
    value = values.get(key)
    return value if isinstance(value, float) and least <= value <= most else None


def _text(values: Mapping[str, _Value], key: str, most: int) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) and 0 < len(value) <= most else None


def _token(values: Mapping[str, _Value], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def _status(values: Mapping[str, _Value]) -> int | None:
    status = _number(values, "rc", 100, 599)
    return None if status is None else int(status)
