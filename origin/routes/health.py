"""`/healthz`: the process answers. `/readyz`: so do the catalog and the store."""

from __future__ import annotations

from aiohttp import web

from origin.bodies import json_answer
from origin.load import LOAD
from origin.state import STATE


async def get_healthz(_request: web.Request) -> web.Response:
    """For whoever restarts processes: never depends on anything else."""
    return json_answer({"status": "ok"})


async def get_readyz(request: web.Request) -> web.Response:
    """For whoever sends traffic: what is away by name; 503 where no traffic should come."""
    readiness = request.app[STATE].readiness
    parts = await readiness.parts()
    if request.app[LOAD].is_draining:
        status, is_ready = "draining", False
    elif all(parts.values()):
        status, is_ready = "ok", True
    else:
        is_ready = readiness.is_bearable()
        status = "degraded" if is_ready else "unready"
    document = {name: "ok" if answers else "unreachable" for name, answers in parts.items()}
    return json_answer({"status": status, **document}, status=200 if is_ready else 503)
