"""Conditional requests. RFC 9110, clause 13; pure.

Dates decide nothing: what is served has entity tags and no date of modification, and then
If-Modified-Since and If-Unmodified-Since are to be ignored (13.1.3, 13.1.4).
"""

from __future__ import annotations

import re
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
    if_none_match: str | None = None,
) -> Outcome:
    """Weigh the preconditions in the order of RFC 9110, 13.2.2.

    `etag` is the representation's strong entity tag, quotes included.
    """
    if if_match is not None and not _matches(if_match, etag, weak=False):
        return Outcome.PRECONDITION_FAILED
    if if_none_match is not None and _matches(if_none_match, etag, weak=True):
        is_read = method in {"GET", "HEAD"}
        return Outcome.NOT_MODIFIED if is_read else Outcome.PRECONDITION_FAILED
    return Outcome.PROCEED


def _matches(field: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags, or `*`, names `etag` (strong or weak comparison, 8.8.3.2)."""
    if field.strip(" \t") == "*":
        return True
    return any(
        opaque == etag and (weak or not weakness) for weakness, opaque in _ENTITY_TAG.findall(field)
    )
