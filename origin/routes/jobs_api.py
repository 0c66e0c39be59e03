"""`/api/v1/jobs/{job_id}` and its events: how far a label's master is.

Events are server-sent (WHATWG HTML, 9.2): each is the job as it is then, so that one is as good as
all before it. A stream ends when the job is over; a client that asks again for what it knows to be
over is told 204, which ends an EventSource.
"""

from __future__ import annotations

import hashlib
from contextlib import aclosing, suppress

from aiohttp import ClientConnectionResetError, hdrs, web

from catalog import uploads
from catalog.errors import NotFound
from catalog.records import OVER, JobRecord, UploadRecord
from drm.access_token import JOBS_READ, UPLOADS_WRITE
from drm.model import AccessToken
from origin import headers
from origin.api.endpoint import Access, Answer, Call, Endpoint
from origin.api.fields import NoBody
from origin.api.upload_models import JobInfo, OfJob, Watching
from origin.auth import listener
from origin.job_view import job_info, job_scope
from origin.problems import Missing, OriginError
from origin.state import OriginState

_BEAT_S = 15.0  # proxies give up what is silent for a minute, some for half of that
_RETRY_MS = 2000
_MOST_WATCHERS = 500  # of one worker: each is a request that runs
_STREAM: dict[str, str] = {
    **headers.SHARED,
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: headers.NO_STORE,
    "X-Accel-Buffering": "no",  # nginx would keep events to itself
}


async def get_job(call: Call[OfJob, NoBody]) -> JobInfo:
    """A job as it is now."""
    job, upload = await _allowed(call.state, call.caller, call.params.job_id)
    return job_info(call.request, call.state, job, upload)


async def watch_job(call: Call[Watching, NoBody]) -> web.StreamResponse:
    """A job as it goes on, until it is over."""
    job_id, state = call.params.job_id, call.state
    if call.params.token is not None:
        state.grants.grant(call.params.token).require(job_scope(job_id), frozenset())
        job, upload = await _read(state, job_id)
    else:
        job, upload = await _allowed(state, await listener(call.request, state.callers), job_id)
    if job.state in OVER and call.params.last_event_id == _event_id(job):
        return web.Response(status=204, headers=headers.SHARED)
    if state.job_feed.watchers >= _MOST_WATCHERS:
        raise OriginError(
            503, "too-many-watchers", "Ask for the job itself.", headers={hdrs.RETRY_AFTER: "10"}
        )
    response = web.StreamResponse(headers=_STREAM)
    await response.prepare(call.request)
    with suppress(ClientConnectionResetError, ConnectionError):  # they have left
        await _tell(call, response, upload)
    return response


async def _tell(
    call: Call[Watching, NoBody], response: web.StreamResponse, upload: UploadRecord | None
) -> None:
    known = call.params.last_event_id
    await response.write(f"retry: {_RETRY_MS}\n\n".encode())
    async with aclosing(call.state.job_feed.watch(call.params.job_id, _BEAT_S)) as changes:
        async for job in changes:
            if job is None:
                await response.write(b": still here\n\n")
                continue
            event_id = _event_id(job)
            if event_id != known:
                info = job_info(call.request, call.state, job, upload).model_dump_json()
                kind = "event: end\n" if job.state in OVER else ""
                await response.write(f"id: {event_id}\n{kind}data: {info}\n\n".encode())
            known = event_id
    await response.write_eof()


def _event_id(job: JobRecord) -> str:
    """A name for what a label can see of a job: the same from every worker."""
    seen = (job.state, job.stage, round(job.progress, 3), job.attempts, job.finished_at)
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


async def _allowed(
    state: OriginState, caller: AccessToken, job_id: str
) -> tuple[JobRecord, UploadRecord | None]:
    """A job that the caller may see: its own, or any with the scope jobs:read. Missing.

    Nothing is read for a token that may see none; whoever asks for what is not theirs is counted.
    """
    is_label, is_operator = UPLOADS_WRITE in caller.scopes, JOBS_READ in caller.scopes
    if not (is_label or is_operator):
        raise _missing()
    with suppress(Missing):
        job, upload = await _read(state, job_id)
        if is_operator or (upload is not None and upload.owner == caller.subject):
            return job, upload
    await state.rates.account(caller)
    raise _missing()


async def _read(state: OriginState, job_id: str) -> tuple[JobRecord, UploadRecord | None]:
    try:
        job = await state.job_feed.get(job_id)
    except NotFound:
        raise _missing() from None
    if job.tenant != state.deps.tenant:
        raise _missing()
    async with state.deps.catalog.connect(fresh=True) as tx:
        return job, await uploads.of_job(tx, job_id)


def _missing() -> Missing:
    return Missing("no-job", "There is no such job.")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/jobs/{job_id}",
        get_job,
        "How far a master is that was uploaded.",
        (Answer(JobInfo, "The job."),),
        OfJob,
        name="getJob",
        tag="uploads",
        is_counted=False,  # whoever uploads a hundred masters asks for a hundred jobs
        refusals={429: "Too many questions about jobs that are not the caller's."},
    ),
    Endpoint(
        "GET",
        "/api/v1/jobs/{job_id}/events",
        watch_job,
        "The same as server-sent events: each is the whole job, the last one's type is `end`.",
        (
            Answer(None, "Events until it is over.", media_type="text/event-stream"),
            Answer(None, "It is over, as Last-Event-ID says.", status=204),
        ),
        Watching,
        name="watchJob",
        tag="uploads",
        is_counted=False,  # no more than so many at a time
        is_brief=False,
        access=Access.ANYBODY,
        refusals={
            401: "There is no token.",
            403: "The token is for something else.",
        },
    ),
)
