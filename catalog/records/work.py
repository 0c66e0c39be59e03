"""What is to be done and was: jobs, their attempts, and uploads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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


class JobQueue(StrEnum):
    """Which jobs come first."""

    HOT = "hot"
    BULK = "bulk"  # the back catalog: when nothing is hot


class Fault(StrEnum):
    """What a job failed of."""

    MASTER = "master"  # whoever delivered it can mend that
    SERVICE = "service"  # whoever runs this has to


@dataclass(frozen=True, slots=True)
class MasterSource:
    """Which master a job is for, and what its submitter said of it."""

    name: str  # absolute path, or s3://bucket/key
    operator_id: str | None = None
    scheme: str | None = None  # None: as the worker's settings say
    path_hex: str | None = None  # the path's bytes, where they are no UTF-8
    upload_id: str | None = None  # it is ours, in that upload's folder, and goes when it is done


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


class UploadState(StrEnum):
    """The life of an upload."""

    OPEN = "open"  # bytes come, or may come until it expires
    DONE = "done"  # all are there, and a job has them
    ENDED = "ended"  # without a job: refused, or not wanted any more


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
