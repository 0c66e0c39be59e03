"""CPIX documents as values. DASH-IF "Content Protection Information Exchange Format" 2.3 and 2.4.

A value that is None was not in the document; an empty one (b"") was there, waiting to be filled:
that is how a packager asks a key server for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from packager.model import Kid


class Version(StrEnum):
    """The versions that are understood."""

    V2_3 = "2.3"
    V2_4 = "2.4"


class Playlist(StrEnum):
    """`HLSSignalingData@playlist`: 2.3 says `master` for what 2.4 calls `multiVariant`."""

    MEDIA = "media"
    MASTER = "master"
    MULTIVARIANT = "multiVariant"


@dataclass(frozen=True, slots=True)
class SealedKey:
    """An encrypted content key and its MAC."""

    cipher: bytes  # 16 bytes of IV, then the ciphertext
    mac: bytes  # HMAC-SHA-512 over `cipher`


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """`ContentKey`."""

    kid: Kid
    scheme: str | None = None  # @commonEncryptionScheme: cenc, cbcs, cens, cbc1; 2.4: HLS METHODs
    key: bytes | None = field(default=None, repr=False)  # 16 bytes, in the clear
    sealed: SealedKey | None = None
    explicit_iv: bytes | None = None  # 16 bytes
    content_id: str | None = None  # where one document speaks of several contents
    depends_on: Kid | None = None


@dataclass(frozen=True, slots=True)
class HlsSignaling:
    """`HLSSignalingData`: lines for a playlist, UTF-8."""

    data: bytes
    playlist: Playlist | None = None  # None: the media playlist
    allowed_cpc: str | None = None  # @allowedCPC of the 2.4 schema


@dataclass(frozen=True, slots=True)
class SystemEntry:
    """`DRMSystem`: what one key system is told of one key."""

    system: UUID
    kid: Kid
    name: str | None = None
    pssh: bytes | None = None  # the whole box
    content_protection: bytes | None = None  # UTF-8 XML, children of DASH's ContentProtection
    robustness: str | None = None  # ContentProtectionData@robustness, 2.4
    hls: tuple[HlsSignaling, ...] = ()
    smooth: str | None = None  # SmoothStreamingProtectionHeaderData
    allowed_cpc: str | None = None  # @HLSAllowedCPC of the 2.4 text


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """`ContentKeyPeriod`: a half-open stretch of time, or just an index."""

    id: str | None = None
    index: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    start_offset: str | None = None  # xs:duration, 2.4
    end_offset: str | None = None
    duration: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from one bound to the other, both included; None: no bound."""

    low: int | None = None
    high: int | None = None

    def overlaps(self, other: Range) -> bool:
        """Whether a number is in both."""
        low = max(self.low or 0, other.low or 0)
        highs = [high for high in (self.high, other.high) if high is not None]
        return not highs or low <= min(highs)


@dataclass(frozen=True, slots=True)
class VideoFilter:
    """`VideoFilter`."""

    pixels: Range = Range()
    fps: Range = Range()
    hdr: bool | None = None
    wcg: bool | None = None


@dataclass(frozen=True, slots=True)
class AudioFilter:
    """`AudioFilter`."""

    channels: Range = Range()


@dataclass(frozen=True, slots=True)
class BitrateFilter:
    """`BitrateFilter`."""

    bps: Range = Range()


@dataclass(frozen=True, slots=True)
class UsageRule:
    """`ContentKeyUsageRule`: what a key is for.

    Filters of one kind are alternatives, those of different kinds all have to hold; only a
    sample is never video and audio, so these two are alternatives of each other.
    """

    kid: Kid
    track_type: str | None = None  # @intendedTrackType
    periods: tuple[str, ...] = ()  # KeyPeriodFilter@periodId
    labels: tuple[str, ...] = ()
    video: tuple[VideoFilter, ...] = ()
    audio: tuple[AudioFilter, ...] = ()
    bitrate: tuple[BitrateFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """`DocumentKey`: the key that content keys are encrypted with, encrypted to a recipient."""

    wrapped: bytes
    encrypts: tuple[Kid, ...] = ()  # @encryptsKey; none: all


@dataclass(frozen=True, slots=True)
class Delivery:
    """`DeliveryData`: a recipient, and what only it can open."""

    certificate: bytes  # X.509, DER
    document_keys: tuple[DocumentKey, ...] = ()
    mac_key: bytes | None = None  # MACMethod's key, encrypted to the recipient
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """`CPIX`."""

    version: Version
    content_id: str | None = None
    name: str | None = None
    deliveries: tuple[Delivery, ...] = ()
    keys: tuple[KeyEntry, ...] = ()
    systems: tuple[SystemEntry, ...] = ()
    periods: tuple[KeyPeriod, ...] = ()
    rules: tuple[UsageRule, ...] = ()
