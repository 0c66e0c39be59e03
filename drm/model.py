"""Keys and rights as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from packager.model import Kid, Scheme


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What one content key is for. One key per (tenant, track, revision, tier, scheme)."""

    tenant: str
    track_id: str
    revision: str
    tier: str
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A key in the clear. Its bytes never show in `repr`."""

    kid: Kid
    key: bytes = field(repr=False)  # 16 bytes
    iv: bytes  # cbcs: 16-byte constant IV; cenc: 8-byte first IV


@dataclass(frozen=True, slots=True)
class Stream:
    """One of the streams that an account plays. Both names are base64url."""

    account: str  # 16 characters: a hash, nobody's name
    session: str  # 12 characters, the player's choice


@dataclass(frozen=True, slots=True)
class PlaybackToken:
    """What a playback token says: these tiers of the objects under this prefix, until then."""

    # A path prefix ending in "/": "tracks/<track_id>/", "releases/<release_id>/" or "covers/".
    scope: str
    tiers: tuple[str, ...]  # in ladder order, lowest first
    expires_at: datetime  # UTC, whole seconds
    stream: Stream | None = None  # None: it is not counted
    policy: str | None = None  # the hash of the terms it was made under; None: no subscription's
    territory: str | None = None  # where it was asked for, as far as that was known


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Who a caller is, from a verified JWT."""

    subject: str
    subscription: str  # "free", "premium": which tiers that opens is configuration
    expires_at: datetime
    scopes: frozenset[str] = frozenset()  # what else it may do: "speke:keys"
    country: str | None = None  # ISO 3166-1 alpha-2, where the token says it
