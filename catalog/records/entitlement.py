"""The rights that labels give, and streams at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """When a territory is licensed, or that it is not."""

    territory: str  # ISO 3166-1 alpha-2, or "*": all that have no window of their own
    starts_at: datetime | None
    ends_at: datetime | None  # the first instant that is out
    licensed: bool = True


@dataclass(frozen=True, slots=True)
class RightsRecord:
    """What a label allows with a track, or with a release."""

    owner: str  # track id or release id
    windows: tuple[WindowRecord, ...]  # none: everywhere and always
    offline: bool  # whether licenses may be kept
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StreamsRecord:
    """The streams of an account, as one of them sees it."""

    others: int
    until: datetime | None  # when its own lease ends; None: it has none
