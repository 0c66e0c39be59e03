"""Artists, releases, tracks, and what was made of their masters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from catalog.album_loudness import LoudnessBlocks
from catalog.records.custody import WrappedKeyRecord


class TrackStatus(StrEnum):
    """Whether listeners may see a track (an embargo is `available_from`, beside it)."""

    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"


@dataclass(frozen=True, slots=True)
class CoverPicture:
    """A cover in one size."""

    key: str  # object key
    width: int  # pixels
    height: int


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
    """What an ingest knows of the release a track belongs to."""

    release_id: str
    title: str
    artist: str  # the album artist
    upc: str | None = None
    date: str | None = None  # as tagged: YYYY, YYYY-MM or YYYY-MM-DD
    label: str | None = None
    copyright: str | None = None
    cover_key: str | None = None  # object key of the cover picture as it came
    cover_pictures: tuple[CoverPicture, ...] | None = None  # smallest first; None: no new cover


@dataclass(frozen=True, slots=True)
class TrackDraft:
    """What an ingest knows of a track, apart from its sound."""

    track_id: str
    tenant: str
    title: str
    artists: tuple[str, ...]  # credited, in order
    duration_s: float
    isrc: str | None = None
    operator_id: str | None = None
    disc: int = 1
    number: int | None = None
    genre: str | None = None
    date: str | None = None
    copyright: str | None = None
    lyrics: str | None = None
    replaygain_track_db: float | None = None  # as tagged by the label
    replaygain_album_db: float | None = None


@dataclass(frozen=True, slots=True)
class RenditionRecord:
    """One packaged encoding of a revision."""

    name: str
    tier: str
    codec: str
    codecs: str  # RFC 6381
    average_bps: int
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    object_key: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class RevisionDraft:
    """One immutable package of a track, and what was measured of its master."""

    revision: str
    master_sha256: str
    recipe_sha256: str  # hash of renditions, scheme and segment length
    master_format: str  # "flac"
    master_codec: str  # "flac", "pcm_s24le"
    master_sample_rate_hz: int
    master_channels: int
    master_bit_depth: int
    master_samples: int
    scheme: str
    encoder: str  # "ffmpeg 8.1.2"
    integrated_lufs: float | None
    loudness_range_lu: float | None
    true_peak_dbtp: float | None
    renditions: tuple[RenditionRecord, ...]
    notes: tuple[str, ...] = ()  # "32-bit float master: lossless rendition is 24 bits"
    loudness_blocks: LoudnessBlocks | None = None  # for the loudness of its album
    words_sha256: str | None = None  # hash of what its delivery last said; None: not known


@dataclass(frozen=True, slots=True)
class Publication:
    """All that one publishing transaction writes."""

    track: TrackDraft
    release: ReleaseDraft | None
    revision: RevisionDraft
    keys: tuple[WrappedKeyRecord, ...]
    job_id: str | None = None
    instead_of: str | None = None  # a revision of the same making that is gone from storage


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A track as the catalog knows it now."""

    track_id: str
    tenant: str
    title: str
    artists: tuple[str, ...]
    duration_s: float
    isrc: str | None
    operator_id: str | None
    release_id: str | None
    disc: int
    number: int | None
    genre: str | None
    date: str | None
    copyright: str | None
    lyrics: str | None
    replaygain_track_db: float | None
    replaygain_album_db: float | None
    status: TrackStatus
    available_from: datetime | None  # embargo: not before this instant
    current_revision: str | None
    created_at: datetime
    updated_at: datetime
    popularity: int = 0

    def is_available(self, now: datetime) -> bool:
        """Whether a listener may have it at that instant."""
        return (
            self.status is TrackStatus.PUBLISHED
            and self.current_revision is not None
            and (self.available_from is None or now >= self.available_from)
        )


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """A revision as stored."""

    track_id: str
    created_at: datetime
    draft: RevisionDraft


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """A release as stored."""

    release_id: str
    tenant: str
    title: str
    artist: str
    upc: str | None
    date: str | None
    label: str | None
    copyright: str | None
    cover_key: str | None
    cover_pictures: tuple[CoverPicture, ...]  # smallest first
    integrated_lufs: float | None  # of all tracks together, as far as that is known
    loudness_range_lu: float | None
    true_peak_dbtp: float | None
    track_count: int


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """Whether listeners may have a track, and what that hangs on: for many tracks at a time."""

    track_id: str
    release_id: str | None
    status: TrackStatus
    current_revision: str | None
    available_from: datetime | None
    # The release's loudness, as in `ReleaseRecord`.
    integrated_lufs: float | None
    loudness_range_lu: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True, slots=True)
class ArtistRecord:
    """Who is credited."""

    artist_id: int
    name: str  # as first credited
    track_count: int
    popularity: int  # of their most popular track
