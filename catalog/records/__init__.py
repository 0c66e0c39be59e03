"""The rows of the catalog as frozen values: what goes in and what comes out.

The catalog stores plain strings and bytes; `drm` and `pipeline` give them meaning. Instants are
timezone-aware UTC datetimes; durations are seconds.
"""

from __future__ import annotations

from catalog.records.custody import (
    AuditChainRecord,
    AuditFacts,
    AuditRecord,
    KekRecord,
    WrappedKeyRecord,
)
from catalog.records.entitlement import RightsRecord, StreamsRecord, WindowRecord
from catalog.records.music import (
    ArtistRecord,
    CoverPicture,
    Publication,
    ReleaseDraft,
    ReleaseRecord,
    RenditionRecord,
    RevisionDraft,
    RevisionRecord,
    StandingRecord,
    TrackDraft,
    TrackRecord,
    TrackStatus,
)
from catalog.records.work import (
    OVER,
    AttemptRecord,
    Claim,
    Fault,
    JobQueue,
    JobRecord,
    JobState,
    MasterSource,
    UploadRecord,
    UploadState,
)

__all__ = [
    "OVER",
    "ArtistRecord",
    "AttemptRecord",
    "AuditChainRecord",
    "AuditFacts",
    "AuditRecord",
    "Claim",
    "CoverPicture",
    "Fault",
    "JobQueue",
    "JobRecord",
    "JobState",
    "KekRecord",
    "MasterSource",
    "Publication",
    "ReleaseDraft",
    "ReleaseRecord",
    "RenditionRecord",
    "RevisionDraft",
    "RevisionRecord",
    "RightsRecord",
    "StandingRecord",
    "StreamsRecord",
    "TrackDraft",
    "TrackRecord",
    "TrackStatus",
    "UploadRecord",
    "UploadState",
    "WindowRecord",
    "WrappedKeyRecord",
]
