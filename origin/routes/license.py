"""`POST /license/clearkey`: a W3C license with the keys that a playback token opens."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import hdrs, web

from catalog import keys, tracks
from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.records import WrappedKeyRecord
from drm import clearkey
from drm.errors import Denied
from origin.auth import Grant, bearer
from origin.bodies import no_store, read_body
from origin.problems import Unauthenticated
from origin.state import STATE
from packager.model import Kid, Scheme


async def post_license(request: web.Request) -> web.Response:
    """Parse, decide, fetch, respond. Always 200 on success: hls.js takes no other 2xx."""
    state = request.app[STATE]
    text = bearer(request) or request.query.get("token")
    if text is None:
        raise Unauthenticated
    grant = state.grants.grant(text)
    asked = clearkey.parse_request(await read_body(request, clearkey.MAX_REQUEST_BYTES))
    async with state.deps.catalog.connect() as tx:
        records = await _entitled(tx, asked.kids, grant)
    if not records:  # unknown keys and other people's keys look the same: no oracle
        raise Denied("not-entitled", "The token opens none of these keys.")
    opened = [await state.deps.keyring.unwrap(record) for record in records]
    body = clearkey.license(opened, asked.type)
    return web.Response(body=body, content_type="application/json", headers=no_store())


async def _entitled(tx: Tx, kids: tuple[Kid, ...], grant: Grant) -> list[WrappedKeyRecord]:
    """Those of the keys that are of the token's tiers and track, or of one of its release.

    And only while listeners may have that track.

    A content decryption module decrypts samples: keys of whole segments are not for it.
    """
    records = [record for kid in kids if (record := await keys.get(tx, kid.value)) is not None]
    candidates = [
        record
        for record in records
        if record.tier in grant.tiers and record.scheme != Scheme.AES_128.value
    ]
    covered = {
        track_id
        for track_id in {record.track_id for record in candidates}
        if await _is_covered(tx, track_id, grant)
    }
    return [record for record in candidates if record.track_id in covered]


async def _is_covered(tx: Tx, track_id: str, grant: Grant) -> bool:
    if not grant.is_of_release and not grant.covers(track_id, None):
        return False
    try:
        track = await tracks.get(tx, track_id)
    except NotFound:
        return False
    return grant.covers(track_id, track.release_id) and track.is_available(datetime.now(UTC))


def add_routes(app: web.Application) -> None:
    """The license server's address, as `drm.playback_urls` writes it."""
    app.router.add_route(hdrs.METH_POST, "/license/clearkey", post_license)
