"""Who may have what: one pure function, asked at playback, manifest, key and license.

`decide` knows no clock, no catalog and no HTTP: who asks passes what is asked for, the rights that
there are and the instant. A segment, which a CDN mostly answers, asks for no more than the scope,
the tier and the expiry of its token; territory, window, streams and revocation bind at the others.

The first rule that refuses gives the reason, in the order of `decide`: what is not the asker's
business (another track, one that was taken down) tells nothing of its rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from drm.territories import EVERYWHERE

_FOREVER = datetime.max.replace(tzinfo=UTC)


class Reason(StrEnum):
    """Why something is refused, for machines: the `reason` of a problem, and of the audit."""

    TOKEN_EXPIRED = "token-expired"  # noqa: S105 - a reason, not a password
    POLICY_CHANGED = "policy-changed"  # the settings are not those that the token was made under
    WRONG_SCOPE = "wrong-scope"
    UNAVAILABLE = "track-unavailable"  # unpublished, or embargoed
    TIER = "tier-not-open"
    TERRITORY_UNKNOWN = "territory-unknown"
    TERRITORY = "territory-not-licensed"
    NOT_YET = "window-not-open"
    OVER = "window-over"
    OFFLINE = "offline-not-allowed"  # by the subscription
    OFFLINE_RIGHTS = "offline-not-licensed"  # by the track's rights
    STREAMS = "too-many-streams"


DETAILS = {
    Reason.TOKEN_EXPIRED: "The token has expired.",
    Reason.POLICY_CHANGED: "The terms have changed: ask for playback again.",
    Reason.WRONG_SCOPE: "The token is for something else.",
    Reason.UNAVAILABLE: "The track is not available.",
    Reason.TIER: "The token does not open this tier.",
    Reason.TERRITORY_UNKNOWN: "It is not known where this request comes from.",
    Reason.TERRITORY: "There are no rights for this territory.",
    Reason.NOT_YET: "The rights for this territory have not begun.",
    Reason.OVER: "The rights for this territory have ended.",
    Reason.OFFLINE: "The subscription does not allow licenses that are kept.",
    Reason.OFFLINE_RIGHTS: "The rights of this track do not allow licenses that are kept.",
    Reason.STREAMS: "The account plays as many streams as it may.",
}


@dataclass(frozen=True, slots=True)
class Window:
    """When a territory is licensed, or that it is not."""

    territory: str  # ISO 3166-1 alpha-2, or EVERYWHERE: all that have no window of their own
    start: datetime | None = None  # UTC; None: since ever
    end: datetime | None = None  # the first instant that is out; None: for ever
    licensed: bool = True  # False: this territory is excepted


@dataclass(frozen=True, slots=True)
class Rights:
    """What the catalog says of a track now."""

    track_id: str
    release_id: str | None = None
    published: bool = True
    available_from: datetime | None = None  # embargo: not before this instant
    windows: tuple[Window, ...] = ()  # none: everywhere and always
    offline: bool = True  # whether licenses that are kept may be given

    def is_available(self, now: datetime) -> bool:
        """Whether anybody at all may have it: published, and not under an embargo."""
        return self.published and (self.available_from is None or now >= self.available_from)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription's settings allow beside its tiers."""

    streams: int | None = None  # at the same time; None: any number
    offline: bool = False  # whether licenses may be kept


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, by whom, and from where."""

    scope: str  # of the token; at playback that of what is asked for
    opened: frozenset[str]  # tiers, by the token or the subscription
    tiers: frozenset[str]  # asked for; all of them are needed, and at least one
    expires_at: datetime | None = None  # of the token; None: it was just verified
    terms: Terms | None = Terms()  # None: the token's are not those of any settings of now
    territory: str | None = None  # None: unknown
    offline: bool = False  # a persistent license, or a file to keep
    other_streams: int = 0  # of the same account, that run now


@dataclass(frozen=True, slots=True)
class Grant:
    """Yes."""

    tiers: frozenset[str]
    until: datetime | None = None  # when the rights end, as far as that is known now


@dataclass(frozen=True, slots=True)
class Denial:
    """No."""

    reason: Reason

    @property
    def detail(self) -> str:
        """The reason as a sentence."""
        return DETAILS[self.reason]


def track_scope(track_id: str) -> str:
    """The scope of a playback token for one track."""
    return f"tracks/{track_id}/"


def release_scope(release_id: str) -> str:
    """The scope of a playback token for a release and all of its tracks."""
    return f"releases/{release_id}/"


def decide(request: Request, rights: Rights, now: datetime) -> Grant | Denial:
    """Whether the request may have these tiers of the track that the rights are of, now."""
    terms = request.terms
    if request.expires_at is not None and now >= request.expires_at:
        return Denial(Reason.TOKEN_EXPIRED)
    if terms is None:
        return Denial(Reason.POLICY_CHANGED)
    if (reason := _track_reason(request, rights, now)) is not None:
        return Denial(reason)
    until: datetime | None = None
    if rights.windows:
        window = _window(rights.windows, request.territory, now)
        if isinstance(window, Reason):
            return Denial(window)
        until = window.end
    if (reason := _terms_reason(request, rights, terms)) is not None:
        return Denial(reason)
    return Grant(request.tiers, until)


def covers(scope: str, rights: Rights) -> bool:
    """Whether a token's scope is the track, or the release that it is part of."""
    if scope == track_scope(rights.track_id):
        return True
    return rights.release_id is not None and scope == release_scope(rights.release_id)


def _track_reason(request: Request, rights: Rights, now: datetime) -> Reason | None:
    if not covers(request.scope, rights):
        return Reason.WRONG_SCOPE
    if not rights.is_available(now):
        return Reason.UNAVAILABLE
    if not request.tiers or not request.tiers <= request.opened:
        return Reason.TIER
    return None


def _terms_reason(request: Request, rights: Rights, terms: Terms) -> Reason | None:
    if request.offline and not rights.offline:
        return Reason.OFFLINE_RIGHTS
    if request.offline and not terms.offline:
        return Reason.OFFLINE
    if terms.streams is not None and request.other_streams >= terms.streams:
        return Reason.STREAMS
    return None


def _window(windows: tuple[Window, ...], territory: str | None, now: datetime) -> Window | Reason:
    """The window that is open, the one that is so for longest, or why there is none.

    A territory's own windows count instead of those of everywhere else.
    """
    named = {one.territory for one in windows} - {EVERYWHERE}
    if named and territory is None:  # it could be one that is excepted
        return Reason.TERRITORY_UNKNOWN
    place = territory if territory in named else EVERYWHERE
    mine = [one for one in windows if one.territory == place and one.licensed]
    if not mine:
        return Reason.TERRITORY
    if running := [one for one in mine if _is_open(one, now)]:
        return max(running, key=lambda one: one.end or _FOREVER)
    is_coming = any(one.start is not None and now < one.start for one in mine)
    return Reason.NOT_YET if is_coming else Reason.OVER


def _is_open(window: Window, now: datetime) -> bool:
    """Half-open: the start is in, the end is out."""
    return (window.start is None or now >= window.start) and (
        window.end is None or now < window.end
    )
