"""`headwater play`: the URLs of one track, for any player and a running origin."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import click

from catalog import tracks
from catalog.engine import Tx
from catalog.records import RevisionRecord, TrackRecord, TrackStatus
from configs.ladder import load_ladder
from configs.settings import Settings
from drm.errors import Denied
from drm.model import PlaybackToken
from drm.playback_urls import playback_urls
from drm.tiers import Tiers
from pipeline.cli.addresses import base_url
from pipeline.cli.compose import (
    Invocation,
    make_tiers,
    open_catalog,
    open_tokens,
    pass_invocation,
)
from pipeline.cli.lookup import one_track
from pipeline.cli.output import Failure, instant, write_fields, write_json


@click.command("play")
@click.argument("track")
@click.option(
    "--tier",
    metavar="NAME",
    help="A subscription (free, premium), or the highest tier to open.  [default: every tier]",
)
@click.option("--origin", metavar="URL", help="Where the origin runs.  [default: the settings']")
@click.option("--revision", metavar="ID", help="Another revision than the current one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_invocation
def play_command(
    invocation: Invocation,
    *,
    track: str,
    tier: str | None,
    origin: str | None,
    revision: str | None,
    as_json: bool,
) -> None:
    """Print the URLs of a TRACK: its id, its ISRC or its exact title.

    They carry their own authorization until they expire; whoever has them can listen.

    \b
    headwater play "First Light" --tier premium --json
    """  # noqa: D301 - click wants a real backspace
    settings = invocation.load().settings
    tiers = make_tiers(settings, load_ladder(settings.ingest.ladder))
    opened = _opened(tiers, tier)
    found, chosen = asyncio.run(_find(settings, track, revision))
    _require_rendition(found, chosen, opened)
    ttl = timedelta(seconds=settings.drm.playback_ttl_s)
    expires_at = (datetime.now(UTC) + ttl).replace(microsecond=0)
    token = open_tokens(settings).playback.issue(
        PlaybackToken(f"tracks/{found.track_id}/", opened, expires_at)
    )
    urls = playback_urls(
        origin or base_url(settings.origin),
        token,
        found.track_id,
        chosen.draft.revision,
        tiers.access(opened),
    )
    answer = {
        "track_id": found.track_id,
        "revision": chosen.draft.revision,
        "title": found.title,
        "tiers": opened,
        "hls": urls.hls,
        "hls_identity": urls.hls_identity,
        "hls_aes128": urls.hls_aes128,
        "dash": urls.dash,
        "license": urls.license,
        "token": token,
        "expires_at": instant(expires_at),
    }
    if as_json:
        write_json(answer)
    else:
        write_fields({**answer, "tiers": ", ".join(opened)})


def _opened(tiers: Tiers, name: str | None) -> tuple[str, ...]:
    if name is None:
        return tiers.order
    try:
        return tiers.named(name)
    except Denied as exc:
        raise click.BadParameter(exc.detail, param_hint="--tier") from exc


async def _find(
    settings: Settings, text: str, revision: str | None
) -> tuple[TrackRecord, RevisionRecord]:
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        track = await one_track(tx, text)
        return track, await _revision(tx, track, revision)


async def _revision(tx: Tx, track: TrackRecord, revision: str | None) -> RevisionRecord:
    """Choose the revision to play: only of a track that listeners may have now."""
    if not track.is_available(datetime.now(UTC)):
        if track.status is TrackStatus.UNPUBLISHED:
            raise Failure(f"{track.track_id}: unpublished (headwater track publish)")
        until = instant(track.available_from) if track.available_from else "its first revision"
        raise Failure(f"{track.track_id}: embargoed until {until} (headwater track embargo --lift)")
    chosen = revision or track.current_revision
    assert chosen is not None  # noqa: S101 - an available track has a current revision
    return await tracks.revision(tx, track.track_id, chosen)


def _require_rendition(
    track: TrackRecord, revision: RevisionRecord, opened: tuple[str, ...]
) -> None:
    existing = {rendition.tier for rendition in revision.draft.renditions}
    if existing.isdisjoint(opened):
        wanted, there = ", ".join(opened), ", ".join(sorted(existing))
        raise Failure(f"{track.track_id}: nothing in tier {wanted} (choose one of: {there})")
