"""Conditional requests: entity tags and dates. RFC 9110, clause 13; pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

# entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. RFC 9110, 8.8.3
_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


class Outcome(Enum):
    """What the preconditions allow."""

    PROCEED = 200
    NOT_MODIFIED = 304
    PRECONDITION_FAILED = 412


def evaluate(
    method: str,
    *,
    etag: str,
    if_match: str | None = None,
    if_unmodified_since: str | None = None,
    if_none_match: str | None = None,
    if_modified_since: str | None = None,
    last_modified: datetime | None = None,
) -> Outcome:
    """Weigh the preconditions in the order of RFC 9110, 13.2.2.

    `etag` is the representation's strong entity tag, quotes included. Dates are ignored when
    there is no `last_modified`, and when they cannot be read.
    """
    if if_match is not None:
        if not _matches(if_match, etag, weak=False):
            return Outcome.PRECONDITION_FAILED
    elif _is_later(last_modified, if_unmodified_since) is True:
        return Outcome.PRECONDITION_FAILED
    reading = method in {"GET", "HEAD"}
    if if_none_match is not None:
        if _matches(if_none_match, etag, weak=True):
            return Outcome.NOT_MODIFIED if reading else Outcome.PRECONDITION_FAILED
    elif reading and _is_later(last_modified, if_modified_since) is False:
        return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


def _matches(field: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags, or `*`, names `etag` (strong or weak comparison, 8.8.3.2)."""
    if field.strip(" \t") == "*":
        return True
    return any(
        opaque == etag and (weak or not weakness) for weakness, opaque in _ENTITY_TAG.findall(field)
    )


def _is_later(last_modified: datetime | None, field: str | None) -> bool | None:
    """Whether the representation changed after that HTTP-date; None where that is unknown."""
    if last_modified is None or field is None:
        return None
    try:
        date = parsedate_to_datetime(field)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return last_modified.replace(microsecond=0) > date
