"""`/api/v1/uploads`: masters come in, by tus 1.0.0 in pieces or as a form in one.

What tus does not say: an upload is whole with its last byte, and is looked at then, before the
answer. That answer, and every later one about the upload, names the job in `Headwater-Job`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from email.utils import format_datetime

from aiohttp import hdrs, web

from catalog import jobs
from catalog.records import UploadRecord, UploadState
from drm.access_token import UPLOADS_WRITE
from drm.errors import Denied
from drm.model import AccessToken
from origin import headers
from origin.api.endpoint import Answer, Call, Endpoint
from origin.api.fields import NoBody, Params
from origin.api.upload_models import JobInfo, OfUpload, UploadInfo
from origin.auth import listener
from origin.job_view import job_info, job_url
from origin.problems import Missing, OriginError
from origin.state import STATE, OriginState
from origin.uploads import tus
from origin.uploads.desk import Desk, Sent, unfinished
from origin.uploads.form import receive_form
from origin.uploads.receive import Ending
from origin.wire import WireResponse, head

PATH = "/api/v1/uploads"
JOB = "Headwater-Job"
_FORM = "multipart/form-data"

# With every answer below PATH, refusals among them. tus: "Tus-Resumable".
EXTRA: dict[str, str] = {
    tus.RESUMABLE: tus.VERSION,
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: (
        "Location, Retry-After, Tus-Resumable, Tus-Version, Tus-Max-Size, Tus-Extension, "
        "Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires, "
        f"{JOB}"
    ),
}


def options(state: OriginState) -> WireResponse:
    """What of tus is spoken here, and that any page may ask."""
    fields = {
        **headers.PREFLIGHT,
        **EXTRA,
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: (
            "Authorization, Content-Type, Tus-Resumable, Upload-Length, Upload-Offset, "
            "Upload-Metadata, Upload-Checksum, X-HTTP-Method-Override, X-Requested-With, "
            "X-Request-ID"
        ),
        "Tus-Version": tus.VERSION,
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
    }
    if state.desk is not None:
        fields["Tus-Max-Size"] = str(state.desk.settings.limits.max_bytes)
    return WireResponse(204, head(204, fields))


async def post_upload(call: Call[Params, NoBody]) -> web.StreamResponse:
    """Begin an upload; or take in a form, which is one."""
    desk, caller = _desk(call.state), _label(call.caller)
    if call.request.content_type == _FORM:
        record = await receive_form(call.request, desk, caller.subject)
        return await _accepted(call.request, call.state, record)
    return await _begin(call.request, call.state, desk, caller.subject)


async def get_upload(call: Call[OfUpload, NoBody]) -> UploadInfo | web.StreamResponse:
    """How far an upload is; HEAD is tus's way to ask."""
    desk, caller = _desk(call.state), _label(call.caller)
    request, state = call.request, call.state
    if request.method == hdrs.METH_HEAD:
        return await _told_offset(request, state, desk, caller.subject, call.params.upload_id)
    record = desk.require_open(await desk.find(caller.subject, call.params.upload_id))
    return UploadInfo(
        upload_id=record.upload_id,
        state="done" if record.state is UploadState.DONE else "open",
        name=record.name,
        fields=record.fields,
        size=record.size,
        offset=record.received,
        created_at=record.created_at,
        expires_at=record.expires_at if record.state is UploadState.OPEN else None,
        url=_url(request, state, record.upload_id),
        job=await _job_of(request, state, record),
    )


async def delete_upload(call: Call[OfUpload, NoBody]) -> web.StreamResponse:
    """End an upload; nothing of it is kept."""
    desk, caller = _desk(call.state), _label(call.caller)
    await desk.terminate(caller.subject, call.params.upload_id)
    return web.Response(status=204, headers=_fields({}))


async def continue_upload(request: web.Request) -> web.StreamResponse:
    """PATCH; and POST, by which X-HTTP-Method-Override says another method."""
    state = request.app[STATE]
    caller = _label(await listener(request, state.callers))
    desk, upload_id = _desk(state), request.match_info["upload_id"]
    method = request.method
    if method == hdrs.METH_POST:
        method = request.headers.get(tus.METHOD_OVERRIDE, "").upper()
    tus.require_version(request.headers.get(tus.RESUMABLE))
    match method:
        case hdrs.METH_PATCH:
            return await _append(request, state, desk, caller.subject, upload_id)
        case hdrs.METH_DELETE:
            await desk.terminate(caller.subject, upload_id)
            return web.Response(status=204, headers=_fields({}))
        case hdrs.METH_HEAD:
            return await _told_offset(request, state, desk, caller.subject, upload_id)
        case _:
            raise OriginError(405, "method-not-allowed", "Use HEAD, PATCH or DELETE.")


async def _begin(
    request: web.Request, state: OriginState, desk: Desk, owner: str
) -> web.StreamResponse:
    """tus: creation, and creation-with-upload."""
    tus.require_version(request.headers.get(tus.RESUMABLE))
    size = tus.parse_length(request.headers.get(tus.LENGTH), tus.LENGTH)
    said = tus.parse_metadata(request.headers.get(tus.METADATA, ""))
    has_body = request.content_type == tus.CHUNK_TYPE and request.can_read_body
    checksum = tus.parse_checksum(request.headers.get(tus.CHECKSUM)) if has_body else None
    record = await desk.announce(owner, said, size)
    fields: dict[str, str] = {hdrs.LOCATION: _url(request, state, record.upload_id)}
    if has_body:
        try:
            sent = await desk.append(
                owner,
                record.upload_id,
                0,
                request.content.readany,
                length=request.content_length,
                checksum=checksum,
            )
            record = sent.record
        except BaseException:
            # A refusal has no Location: nobody would ever go on with it.
            with suppress(OriginError):
                await asyncio.shield(desk.terminate(owner, record.upload_id))
            raise
        fields[tus.OFFSET] = str(record.received)
    return web.Response(
        status=201, headers=_fields({**_progress(request, state, record), **fields})
    )


async def _append(
    request: web.Request, state: OriginState, desk: Desk, owner: str, upload_id: str
) -> web.StreamResponse:
    if request.content_type != tus.CHUNK_TYPE:
        raise OriginError(415, "chunk-type", f"Send {tus.CHUNK_TYPE}.")
    sent = await desk.append(
        owner,
        upload_id,
        tus.parse_length(request.headers.get(tus.OFFSET), tus.OFFSET),
        request.content.readany,
        length=request.content_length,
        checksum=tus.parse_checksum(request.headers.get(tus.CHECKSUM)),
    )
    _require_whole(sent)
    record = sent.record
    fields = {tus.OFFSET: str(record.received), **_progress(request, state, record)}
    if record.job_id is not None:
        fields[hdrs.LOCATION] = fields[JOB]
    return web.Response(status=204, headers=_fields(fields))


async def _told_offset(
    request: web.Request, state: OriginState, desk: Desk, owner: str, upload_id: str
) -> web.StreamResponse:
    record = await desk.look(owner, upload_id)
    fields = {
        tus.OFFSET: str(record.received),
        tus.LENGTH: str(record.size),
        tus.METADATA: tus.encode_metadata(record.name, record.fields),
        **_progress(request, state, record),
    }
    return web.Response(status=200, headers=_fields(fields))


async def _accepted(
    request: web.Request, state: OriginState, record: UploadRecord
) -> web.StreamResponse:
    job = await _job_of(request, state, record)
    if job is None:
        msg = "an upload that was taken in has a job"
        raise RuntimeError(msg)
    return web.Response(
        status=202,
        body=job.model_dump_json().encode(),
        content_type="application/json",
        headers=_fields({hdrs.LOCATION: job.url, JOB: job.url}),
    )


async def _job_of(request: web.Request, state: OriginState, record: UploadRecord) -> JobInfo | None:
    if record.job_id is None:
        return None
    async with state.deps.catalog.connect(fresh=True) as tx:
        return job_info(request, state, await jobs.get(tx, record.job_id), record)


def _require_whole(sent: Sent) -> None:
    """OriginError where the request's body did not come to its end; what came is kept."""
    if sent.ending is not Ending.WHOLE:
        raise unfinished(sent.ending)


def _progress(request: web.Request, state: OriginState, record: UploadRecord) -> dict[str, str]:
    """The job, or until when there is time to get there. RFC 9110, 5.6.7."""
    if record.job_id is not None:
        return {JOB: job_url(request, state, record.job_id)}
    return {tus.EXPIRES: format_datetime(record.expires_at, usegmt=True)}


def _fields(more: Mapping[str, str]) -> dict[str, str]:
    return {**headers.SHARED, hdrs.CACHE_CONTROL: headers.NO_STORE, **EXTRA, **more}


def _url(request: web.Request, state: OriginState, upload_id: str) -> str:
    return f"{state.base_url.of(request)}{PATH}/{upload_id}"


def _desk(state: OriginState) -> Desk:
    if state.desk is None:
        raise Missing("no-uploads", "Nothing is uploaded here.")
    return state.desk


def _label(caller: AccessToken) -> AccessToken:
    if UPLOADS_WRITE not in caller.scopes:
        raise Denied("scope-missing", f"The token has not the scope {UPLOADS_WRITE}.")
    return caller


async def _go_on(app: web.Application) -> None:
    """What was uploaded whole when an origin died becomes a job."""
    desk = app[STATE].desk
    if desk is not None:
        desk.begin_recovery()


async def _let_go(app: web.Application) -> None:
    """Long requests end before the others are waited for: uploads, and who watches jobs."""
    state = app[STATE]
    if state.desk is not None:
        await state.desk.close()
    await state.job_feed.close()


async def _end(app: web.Application) -> None:
    desk = app[STATE].desk
    if desk is not None:
        desk.end()


def add_routes(app: web.Application) -> None:
    """What of tus is no JSON API; and what uploads need when an origin starts and ends."""
    app.on_startup.append(_go_on)
    app.on_shutdown.append(_let_go)
    app.on_cleanup.append(_end)
    path = f"{PATH}/{{upload_id:[0-9a-f]{{32}}}}"
    app.router.add_route(hdrs.METH_PATCH, path, continue_upload)
    app.router.add_route(hdrs.METH_POST, path, continue_upload)


_REFUSALS = {
    409: "A job has it.",
    410: "It has ended: it expired, or was refused.",
    423: "Another request writes to it.",
}
ENDPOINTS = (
    Endpoint(
        "POST",
        PATH,
        post_upload,
        "Send a master: a form with `file` and what is known of it (`title`, `artist`, `album`, "
        "`isrc` ...); or begin a resumable upload, by tus 1.0.0 (https://tus.io).",
        (
            Answer(JobInfo, "The form's file is a job now.", status=202),
            Answer(None, "tus: it may begin at `Location`.", status=201),
        ),
        Params,
        takes=_FORM,
        name="upload",
        tag="uploads",
        is_counted=False,  # a label has limits of its own
        is_brief=False,
        refusals={
            400: "The form, or a header field of tus, is malformed.",
            404: "Nothing is uploaded here.",
            408: "Nothing came for too long.",
            412: "tus: another version.",
            413: "It is larger than the label may send, or than a form may be.",
            422: "It is no master that is taken here; `reason` says why.",
            429: "The label has too many uploads, or too many bytes today.",
            507: "There is no room for it now.",
        },
    ),
    Endpoint(
        "GET",
        f"{PATH}/{{upload_id}}",
        get_upload,
        "How far an upload is.",
        (Answer(UploadInfo, "The upload, and its job once it is whole."),),
        OfUpload,
        name="getUpload",
        tag="uploads",
        is_counted=False,  # a label has limits of its own
        is_brief=False,
        refusals=_REFUSALS,
    ),
    Endpoint(
        "DELETE",
        f"{PATH}/{{upload_id}}",
        delete_upload,
        "End an upload that is not whole; nothing of it is kept.",
        (Answer(None, "It has ended.", status=204),),
        OfUpload,
        name="deleteUpload",
        tag="uploads",
        is_counted=False,  # a label has limits of its own
        is_brief=False,
        refusals=_REFUSALS,
    ),
)
