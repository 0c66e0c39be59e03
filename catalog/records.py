"""The rows of the catalog as frozen values: what goes in and what comes out.

The catalog stores plain strings and bytes; `drm` and `pipeline` give them meaning. Instants are
timezone-aware UTC datetimes; durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from catalog.album_loudness import LoudnessBlocks


class TrackStatus(StrEnum):
    """Whether listeners may see a track (an embargo is `available_from`, beside it)."""

    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"


class JobState(StrEnum):
    """The life of an ingest job."""

    QUEUED = "queued"  # for any worker of its queue
    RUNNING = "running"  # a worker holds it, as long as its lease lasts
    WAITING = "waiting"  # something that passes was in the way: tried again at `not_before`
    DONE = "done"
    FAILED = "failed"  # it cannot succeed: the master is not one
    PARKED = "parked"  # it failed too often: somebody has to look at it
    CANCELED = "canceled"


OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.PARKED, JobState.CANCELED})


class UploadState(StrEnum):
    """The life of an upload."""

    OPEN = "open"  # bytes come, or may come until it expires
    DONE = "done"  # all are there, and a job has them
    ENDED = "ended"  # without a job: refused, or not wanted any more


class JobQueue(StrEnum):
    """Which jobs come first."""

    HOT = "hot"
    BULK = "bulk"  # the back catalog: when nothing is hot


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
class WrappedKeyRecord:
    """A content key as it rests: wrapped by a KEK, useless without it."""

    kid: bytes
    tenant: str
    track_id: str
    revision: str
    tier: str
    scheme: str
    kek_id: str
    kek_version: int
    nonce: bytes
    wrapped: bytes
    iv: bytes  # the cbcs constant IV (16 bytes) or the first cenc IV (8 bytes); not secret


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
class MasterSource:
    """Which master a job is for, and what its submitter said of it."""

    name: str  # absolute path, or s3://bucket/key
    operator_id: str | None = None
    scheme: str | None = None  # None: as the worker's settings say
    path_hex: str | None = None  # the path's bytes, where they are no UTF-8
    upload_id: str | None = None  # it is ours, in that upload's folder, and goes when it is done


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """A master that a label sends in."""

    upload_id: str
    tenant: str
    owner: str  # whom the token speaks for
    name: str  # of the file, made harmless
    fields: dict[str, str]  # what was said of the recording
    size: int  # bytes, as announced
    created_at: datetime
    expires_at: datetime  # while it is open
    received: int = 0  # bytes that survive a power cut
    state: UploadState = UploadState.OPEN
    job_id: str | None = None
    track_id: str | None = None  # that it will be
    release_id: str | None = None  # that it will be of
    duration_s: float | None = None
    estimate_s: float | None = None  # from the upload's end until it can be played
    error: str | None = None  # why it ended without a job


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt that is over."""

    attempt: int  # from 1
    worker: str
    started_at: datetime
    ended_at: datetime
    ended: str  # the state that it led to, or "lost": its worker was gone
    stage: str  # the last one it entered
    stage_seconds: dict[str, float]
    error: str | None


class Fault(StrEnum):
    """What a job failed of."""

    MASTER = "master"  # whoever delivered it can mend that
    SERVICE = "service"  # whoever runs this has to


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One ingest of one master: its stages, attempts, timings and end."""

    job_id: str
    tenant: str
    source: MasterSource
    queue: JobQueue
    state: JobState
    stage: str
    created_at: datetime
    started_at: datetime | None = None  # of the last attempt
    finished_at: datetime | None = None
    not_before: datetime | None = None
    lease_until: datetime | None = None
    delivered_at: datetime | None = None
    attempts: int = 0
    worker: str | None = None
    fence: int = 0
    progress: float = 0.0  # 0 to 1
    stage_seconds: dict[str, float] = field(default_factory=dict)  # of the last attempt
    log: tuple[AttemptRecord, ...] = ()  # the oldest first
    master_sha256: str | None = None
    track_id: str | None = None
    revision: str | None = None
    outcome: str | None = None  # "published", "updated", "restored" or "unchanged"
    error: str | None = None
    fault: Fault | None = None  # once it failed; None also where that is not known


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to do a job, until its lease ends or is taken from it."""

    job_id: str
    token: int  # the fencing token: whoever has an older one may change nothing any more
    attempt: int  # from 1
    source: MasterSource
    tenant: str
    left_behind: tuple[str, str] | None = None  # track and revision that a lost attempt wrote


@dataclass(frozen=True, slots=True)
class KekRecord:
    """What is counted of one version of a KEK."""

    kek_id: str
    version: int
    wraps: int  # at least as many as there were
    first_used_at: datetime


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
class AuditChainRecord:
    """The state of one process's chain of audit entries."""

    chain: str
    number: int  # from 1, in the order in which chains were begun
    entries: int
    head: bytes  # the last entry's hash
    seal: bytes


# What an audit entry says, without its place: at_us, event, who, what, whence, why.
AuditFacts = tuple[int, str, str, str, str, str]


class AuditRecord(NamedTuple):
    """One row of the audit; `drm.audit` says what is in it, `audit_batches` where it holds several.

    A tuple, which is made in a quarter of the time and is what the driver takes: one per license.
    """

    chain: str
    position: int  # of the row in its chain, from 0
    at_us: int  # microseconds since 1970, UTC
    event: str
    who: str
    what: str
    whence: str
    why: str
    hash: bytes


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


@dataclass(frozen=True, slots=True)
class ArtistRecord:
    """Who is credited."""

    artist_id: int
    name: str  # as first credited
    track_count: int
    popularity: int  # of their most popular track
