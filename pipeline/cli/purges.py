"""Settings -> caches that are told when a track is taken away, and telling them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from catalog import housekeeping, tracks
from catalog.engine import Tx
from configs.settings import PurgeSettings, Settings
from drm import secret_file
from drm.errors import SecretUnavailable
from packager import index
from pipeline.cli.output import Failure
from pipeline.purging import Purge, Purger, cached_objects
from storage.base import ObjectNotFound, ObjectStore
from storage.naming import PACKAGE_INDEX, track_object
from storage.open import Role, open_store

_ALL = 10_000  # revisions of one track


async def purge_of(tx: Tx, settings: Settings, track_ids: Sequence[str]) -> Purge:
    """What caches may hold of these tracks. To be asked while their packages are still there."""
    if not settings.edge.purge:
        return Purge(())
    tags = list(track_ids)
    for track_id in track_ids:
        release = (await tracks.get(tx, track_id)).release_id
        if release is not None and release not in tags:
            tags.append(release)
    if not any(cache.kind == "nginx" for cache in settings.edge.purge):
        return Purge(tuple(tags))
    store = open_store(settings, Role.PIPELINE)
    try:
        objects: list[str] = []
        for track_id in track_ids:
            objects += await _objects(tx, store, track_id)
    finally:
        await store.close()
    return Purge(tuple(tags), tuple(objects))


async def tell_caches(settings: Settings, purge: Purge) -> None:
    """Tell all caches. Failure, after all were told, where one of them was not reached."""
    if not settings.edge.purge:
        return
    from origin.outbound import OutboundClient  # noqa: PLC0415 - slow to load, rarely needed

    async with OutboundClient() as http:
        caches = settings.edge.purge
        purger = Purger(http, caches, _secret, timeout_s=settings.edge.purge_timeout_s)
        results = await purger.purge(purge)
    for one in results:
        click.echo(f"purge: {one.kind} {one.url}: {one.problem or 'forgotten'}", err=True)
    if failed := [one.url for one in results if one.problem is not None]:
        raise Failure(
            f"{', '.join(failed)}: not told; the change itself is done (edges that ask the origin "
            f"show it within {settings.origin.edge_answer_s} s; run the command again for the rest)"
        )


async def _objects(tx: Tx, store: ObjectStore, track_id: str) -> list[str]:
    found: list[str] = []
    for stored in await housekeeping.revision_page(tx, ("", ""), _ALL, track_id=track_id):
        try:
            data = await store.get(track_object(*stored.name, PACKAGE_INDEX))
        except ObjectNotFound:  # what was made of it is gone, too
            continue
        found += cached_objects(index.decode(data))
    return found


def _secret(cache: PurgeSettings) -> str:
    """A cache's credentials as they are now."""
    if cache.token_variable is not None:
        place, text = cache.token_variable, os.environ.get(cache.token_variable, "")
    else:
        assert cache.token_file is not None  # noqa: S101 - the settings' own check
        place = str(cache.token_file)
        raw = secret_file.read_private(cache.token_file, SecretUnavailable)
        text = raw.decode("ascii", "replace")
    text = text.strip()
    if not (text and text.isascii() and text.isprintable()):
        raise Failure(f"{place}: holds no token (write that of {cache.url} to it)")
    return text
