"""What the API tells of uploads and of the jobs that are made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from origin.api.fields import Header, Model, Params

UploadId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", examples=["0" * 32])]
JobId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", examples=["0" * 32])]


class OfUpload(Params):
    """Which upload."""

    upload_id: UploadId


class OfJob(Params):
    """Which job."""

    job_id: JobId


class Watching(OfJob):
    """Which job, by whose leave, and what is known of it."""

    token: str | None = Field(
        default=None,
        max_length=512,
        description="What stands in the job's `events`: a browser's EventSource sends no header.",
    )
    last_event_id: Annotated[str | None, Header("Last-Event-ID"), Field(max_length=64)] = None


class JobInfo(Model):
    """A job, and how far it is."""

    job_id: JobId
    state: Literal["queued", "running", "waiting", "done", "failed", "parked", "canceled"]
    stage: str = Field(description="start, probe, encode, package, store or publish.")
    progress: float = Field(ge=0, le=1)
    attempts: int
    error: str | None = Field(description="Why it failed, or waits; for people.")
    outcome: str | None = Field(
        description="How it is done: published, updated, restored or unchanged."
    )
    track_ids: tuple[str, ...] = Field(description="What can be listened to now.")
    upload_id: UploadId | None
    duration_s: float | None = Field(description="Of the master.")
    estimate_s: float | None = Field(
        description="How long it takes from the upload's end, with what waited before it then."
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    url: str
    events: str = Field(description="Server-sent events of its progress, for a day.")


class UploadInfo(Model):
    """An upload, and how far it is."""

    upload_id: UploadId
    state: Literal["open", "done"]
    name: str
    fields: dict[str, str] = Field(description="What was said of the recording.")
    size: int = Field(description="Bytes.")
    offset: int = Field(description="Bytes that have come.")
    created_at: datetime
    expires_at: datetime | None = Field(description="While it is open.")
    url: str
    job: JobInfo | None
