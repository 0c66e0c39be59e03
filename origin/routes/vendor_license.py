"""`POST /license/widevine`, `/playready`, `/fairplay`: licenses from the vendors of the settings.

Who may have which keys is decided here, for every license; the vendor is told so, and its answer
passed on. Where a device's request names no keys (FairPlay, or a renewal), they are those of
`?kid=`, or else all that the token opens of its track.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import hdrs, web

from catalog import keys, tracks
from catalog.errors import NotFound
from drm import challenges
from drm.audit import AuditEvent
from drm.challenges import MAX_CHALLENGE_BYTES, Challenge
from drm.errors import Denied, MalformedRequest
from drm.playback_urls import FAIRPLAY_CERTIFICATE_PATH, VENDOR_LICENSE_PATHS
from drm.vendors import LicenseGrant
from origin.auth import Grant, bearer
from origin.bodies import no_store, read_body
from origin.headers import SHARED
from origin.problems import Missing, Unauthenticated
from origin.state import STATE, OriginState
from packager.model import Kid, Scheme

_A_DAY: Final = "public, max-age=86400"
_MAX_KIDS = 16


@dataclass(frozen=True, slots=True)
class _System:
    """A key system, as its devices speak."""

    name: str
    read: Callable[[bytes], Challenge]
    content_type: str
    schemes: frozenset[str]


_COMMON = frozenset((Scheme.CBCS.value, Scheme.CENC.value))
_SYSTEMS = (
    _System("widevine", challenges.widevine, "application/octet-stream", _COMMON),
    _System("playready", challenges.playready, "text/xml", _COMMON),
    _System(
        "fairplay", challenges.fairplay, "application/octet-stream", frozenset((Scheme.CBCS.value,))
    ),
)


def _handler(system: _System) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def post_license(request: web.Request) -> web.StreamResponse:
        """The license, if that can be recorded; a denial too."""
        state = request.app[STATE]
        token = bearer(request) or request.query.get("token")
        what: dict[str, object] = {"system": system.name}
        try:
            challenge, body = await _license(state, request, system, token, what)
        except Exception as error:
            await state.key_audit.denied(request, token, what, error)
            raise
        if challenge.is_for_license:
            await state.key_audit.given(request, token or "", AuditEvent.LICENSE, what)
        headers = {**no_store(), hdrs.CONTENT_TYPE: system.content_type}
        return web.Response(body=body, headers=headers)

    return post_license


async def _license(
    state: OriginState,
    request: web.Request,
    system: _System,
    token: str | None,
    what: dict[str, object],
) -> tuple[Challenge, bytes]:
    """Parse, decide, fetch; what was asked for and given is written to `what`."""
    servers = state.deps.licenses
    proxy = servers.of(system.name)
    if proxy is None:
        raise Missing("key-system-not-served", "Licenses of this key system are not served here.")
    if token is None:
        raise Unauthenticated
    grant = state.grants.grant(token)
    what.update(grant.bearer)
    challenge = system.read(await read_body(request, MAX_CHALLENGE_BYTES))
    now = datetime.now(UTC)
    if not challenge.is_for_license:
        empty = LicenseGrant((), "", servers.duration_s)
        return challenge, await proxy.license(challenge, empty, now)
    if challenge.offline:
        what["offline"] = True
    asked = challenge.kids or await _unnamed(state, request.query, grant, what)
    what.setdefault("kids", [kid.hex for kid in asked])
    entitled = await state.entitled.of(request, asked, grant, offline=challenge.offline)
    records = [record for record in entitled.records if record.scheme in system.schemes]
    if not records:
        raise Denied("not-entitled", "The token opens none of these keys.")
    what["given"] = [record.kid.hex() for record in records]
    duration_s = servers.offline_duration_s if challenge.offline else servers.duration_s
    if entitled.until is not None:  # no license outlives the rights it is given by
        duration_s = min(duration_s, math.ceil((entitled.until - now).total_seconds()))
    granted = LicenseGrant(
        tuple([await state.key_rows.open(record) for record in records]),
        records[0].track_id,  # of several tracks the first: they have no name in common
        max(duration_s, 1),
        offline=challenge.offline,
    )
    return challenge, await proxy.license(challenge, granted, now)


async def _unnamed(
    state: OriginState, query: Mapping[str, str], grant: Grant, what: dict[str, object]
) -> tuple[Kid, ...]:
    """The keys of a request that names none: by the URL, or those of the token's track."""
    if text := query.get("kid"):
        return _kids(text)
    kind, _, track_id = grant.scope.rstrip("/").partition("/")
    if kind != "tracks":
        raise MalformedRequest("say which key with ?kid=")
    what["track"] = track_id
    try:
        async with state.deps.catalog.connect() as tx:
            revision = (await tracks.get(tx, track_id)).current_revision or ""
            found = await keys.for_revision(tx, track_id, revision)
    except NotFound:
        return ()
    return tuple(Kid(record.kid) for record in found if record.tier in grant.tiers)


def _kids(text: str) -> tuple[Kid, ...]:
    parts = text.split(",")
    try:
        if len(parts) <= _MAX_KIDS:
            return tuple(dict.fromkeys(map(Kid.parse, parts)))
    except ValueError:
        pass
    raise MalformedRequest(f"`kid` is 1 to {_MAX_KIDS} key ids in hexadecimal, with commas")


async def get_certificate(request: web.Request) -> web.StreamResponse:
    """Our FairPlay certificate. It is in every app that plays: there is nothing to hide."""
    certificate = request.app[STATE].deps.licenses.fairplay_certificate
    if certificate is None:
        raise Missing("key-system-not-served", "There is no FairPlay certificate here.")
    headers = {
        **SHARED,
        hdrs.CONTENT_TYPE: "application/pkix-cert",
        hdrs.CACHE_CONTROL: _A_DAY,
    }
    return web.Response(body=certificate, headers=headers)


def add_routes(app: web.Application) -> None:
    """The key systems' addresses; those that are not in the settings answer 404."""
    for system in _SYSTEMS:
        app.router.add_post(VENDOR_LICENSE_PATHS[system.name], _handler(system))
    app.router.add_get(FAIRPLAY_CERTIFICATE_PATH, get_certificate)
