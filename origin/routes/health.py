"""`/healthz`: the process answers. `/readyz`: so do the catalog and the store."""

from __future__ import annotations

import logging

from aiohttp import web

from catalog import tracks
from catalog.errors import CatalogError
from origin.bodies import json_answer
from origin.load import LOAD
from origin.state import STATE, OriginDeps
from storage.base import ObjectNotFound, StorageError

_LOG = logging.getLogger("headwater.origin")
_PROBE = "covers/readyz"  # an object that never is: a store that says so can be reached


async def get_healthz(_request: web.Request) -> web.Response:
    """For whoever restarts processes: never depends on anything else."""
    return json_answer({"status": "ok"})


async def get_readyz(request: web.Request) -> web.Response:
    """For whoever sends traffic: 503, naming the part, while one cannot be reached."""
    deps = request.app[STATE].deps
    parts = {"catalog": await _catalog_answers(deps), "storage": await _store_answers(deps)}
    is_ready = all(parts.values())
    status = "ok" if is_ready else "unready"
    if request.app[LOAD].is_draining:
        is_ready, status = False, "draining"
    document = {name: "ok" if answers else "unreachable" for name, answers in parts.items()}
    return json_answer({"status": status, **document}, status=200 if is_ready else 503)


async def _catalog_answers(deps: OriginDeps) -> bool:
    try:
        async with deps.catalog.connect() as tx:
            await tracks.list_page(tx, after=None, limit=1)
    except CatalogError as error:
        _LOG.warning("catalog not reachable: %s", error)
        return False
    return True


async def _store_answers(deps: OriginDeps) -> bool:
    try:
        await deps.store.head(_PROBE)
    except ObjectNotFound:
        return True
    except StorageError as error:
        _LOG.warning("storage not reachable: %s", error)
        return False
    return True
