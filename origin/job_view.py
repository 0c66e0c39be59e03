"""What a label is told of a job: no path of ours, no word of what our servers say to each other."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from aiohttp import web

from catalog.records import Fault, JobRecord, JobState, UploadRecord
from drm.model import PlaybackToken
from origin.api.upload_models import JobInfo
from origin.state import OriginState

_EVENTS_STEP_S = 86400  # so that the address stays the same for a while
_PASSING = "Something that passes was in the way: it is tried again."
_FAILED = "It failed, and not for its own sake: whoever runs this service has to look at it."
_PARKED = "It failed too often: whoever runs this service has to look at it."


def job_scope(job_id: str) -> str:
    """What a token for a job's events is for."""
    return f"jobs/{job_id}/"


def job_url(request: web.BaseRequest, state: OriginState, job_id: str) -> str:
    """Where a job is looked at."""
    return f"{state.base_url.of(request)}/api/v1/jobs/{job_id}"


def job_info(
    request: web.BaseRequest, state: OriginState, job: JobRecord, upload: UploadRecord | None
) -> JobInfo:
    """A job as the API tells of it."""
    url = job_url(request, state, job.job_id)
    expires = datetime.fromtimestamp((int(time.time()) // _EVENTS_STEP_S + 2) * _EVENTS_STEP_S, UTC)
    token = state.deps.playback_tokens.issue(PlaybackToken(job_scope(job.job_id), (), expires))
    made = (job.track_id,) if job.state is JobState.DONE and job.track_id else ()
    return JobInfo(
        job_id=job.job_id,
        state=job.state.value,
        stage=job.stage,
        progress=round(job.progress, 3),
        attempts=job.attempts,
        error=_error(job, upload),
        outcome=job.outcome,
        track_ids=made,
        upload_id=upload.upload_id if upload else None,
        duration_s=upload.duration_s if upload else None,
        estimate_s=upload.estimate_s if upload else None,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        url=url,
        events=f"{url}/events?token={token}",
    )


def _error(job: JobRecord, upload: UploadRecord | None) -> str | None:
    """Of a master everything that is wrong; of our own troubles that there are some."""
    match job.state:
        case JobState.FAILED if job.error and job.fault is Fault.MASTER:
            return job.error.replace(job.source.name, upload.name if upload else "the master")
        case JobState.FAILED:
            return _FAILED
        case JobState.CANCELED:
            return job.error
        case JobState.PARKED:
            return _PARKED
        case JobState.WAITING:
            return _PASSING
        case _:
            return None
