"""Which fields of a track an operator may edit, and to what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from catalog.errors import InvalidEdit

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_MAX_NUMBER = 9999
_ARTIST_SEPARATOR = ";"

_Value = str | int | None


def checked(changes: Mapping[str, _Value]) -> dict[str, Any]:
    """Return the columns to write; InvalidEdit for the first field that may not be so."""
    values: dict[str, Any] = {}
    for field, value in changes.items():
        check = _EDITABLE.get(field)
        if check is None:
            raise InvalidEdit(field, f"cannot be edited; editable: {', '.join(_EDITABLE)}")
        values[field] = check(field, value)
    return values


def _text(field: str, value: _Value) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidEdit(field, "must be text, not empty")
    return value.strip()


def _optional_text(field: str, value: _Value) -> str | None:
    return None if value is None or value == "" else _text(field, value)


def _artists(field: str, value: _Value) -> tuple[str, ...]:
    names = tuple(name.strip() for name in _text(field, value).split(_ARTIST_SEPARATOR))
    if not all(names):
        raise InvalidEdit(field, f"must be names separated by {_ARTIST_SEPARATOR!r}")
    return names


def _number(field: str, value: _Value) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_NUMBER:
        raise InvalidEdit(field, f"must be a whole number from 1 to {_MAX_NUMBER}")
    return value


def _optional_number(field: str, value: _Value) -> int | None:
    return None if value is None or value == "" else _number(field, value)


def _date(field: str, value: _Value) -> str | None:
    text = _optional_text(field, value)
    if text is not None and not _DATE.fullmatch(text):
        raise InvalidEdit(field, "must be a date: YYYY, YYYY-MM or YYYY-MM-DD")
    return text


_EDITABLE: dict[str, Callable[[str, _Value], object]] = {
    "title": _text,
    "artists": _artists,
    "disc": _number,
    "number": _optional_number,
    "genre": _optional_text,
    "date": _date,
    "copyright": _optional_text,
    "lyrics": _optional_text,
}
