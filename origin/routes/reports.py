"""`POST /cmcd`: what players report by themselves. CTA-5004-A, event mode.

Each line is a report. Whoever sends some shows a playback token, in the query: one that expired
while something played is good enough for this.
"""

from __future__ import annotations

from contextlib import suppress

from aiohttp import web

from drm.errors import ExpiredToken
from drm.playback_urls import REPORTS_PATH
from origin import cmcd
from origin.auth import bearer
from origin.bodies import no_store, read_body
from origin.cmcd import MalformedReport
from origin.problems import OriginError, Unauthenticated
from origin.state import STATE

_MAX_BODY_BYTES = 64 << 10
_MAX_REPORTS = 100  # in one body; players send ten


async def post_reports(request: web.Request) -> web.Response:
    """Parse, count."""
    state = request.app[STATE]
    token = bearer(request) or request.query.get("token")
    if token is None:
        raise Unauthenticated
    with suppress(ExpiredToken):
        state.grants.grant(token)
    body = await read_body(request, _MAX_BODY_BYTES)
    lines = [line for line in body.decode("ascii", "replace").splitlines() if line]
    if len(lines) > _MAX_REPORTS:
        raise OriginError(413, "too-many-reports", f"Send at most {_MAX_REPORTS} at once.")
    for line in lines:
        try:
            report = cmcd.parse(line)
        except MalformedReport:
            state.quality.reports.up("event", "malformed")
        else:
            state.quality.reports.up("event", "read")
            state.quality.told(report)
    return web.Response(status=204, headers=no_store())


def add_routes(app: web.Application) -> None:
    """The endpoint."""
    app.router.add_post(REPORTS_PATH, post_reports)
