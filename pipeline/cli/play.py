"""`headwater play`: the URLs of a track or a release, for any player and a running origin."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from configs.ladder import load_ladder
from configs.settings import Settings
from drm.errors import Denied
from drm.model import PlaybackToken
from drm.tiers import Tiers
from pipeline.cli.addresses import base_url
from pipeline.cli.compose import Invocation, make_tiers, open_tokens, pass_invocation
from pipeline.cli.output import instant, write_fields, write_json
from pipeline.cli.playback import Playback, of_release, of_track


@click.command("play")
@click.argument("track", required=False)
@click.option(
    "--release", metavar="RELEASE", help="A whole album as one piece: its id, UPC or exact title."
)
@click.option(
    "--tier",
    metavar="NAME",
    help="A subscription (free, premium), or the highest tier to open.  [default: every tier]",
)
@click.option("--origin", metavar="URL", help="Where the origin runs.  [default: the settings']")
@click.option("--revision", metavar="ID", help="Another revision of the track than the current.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_invocation
def play_command(
    invocation: Invocation,
    *,
    track: str | None,
    release: str | None,
    tier: str | None,
    origin: str | None,
    revision: str | None,
    as_json: bool,
) -> None:
    """Print the URLs of a TRACK for any player.

    TRACK is an id, an ISRC or an exact title; with --release they are of a release, without gaps.
    They carry their own authorization until they expire; whoever has them can listen.

    \b
    headwater play "First Light" --tier premium --json
    headwater play --release Headwaters
    """  # noqa: D301 - click wants a real backspace
    if (track is None) == (release is None):
        raise click.UsageError("name one thing: a TRACK, or a release with --release")
    if release is not None and revision is not None:
        raise click.UsageError("--revision is of a track: a release is its tracks' current ones")
    settings = invocation.load().settings
    tiers = make_tiers(settings, load_ladder(settings.ingest.ladder))
    opened = _opened(tiers, tier)
    playback = asyncio.run(
        of_release(settings, release, opened)
        if release is not None
        else of_track(settings, track or "", revision, opened)
    )
    answer = _answer(settings, playback, origin or base_url(settings.origin), tiers, opened)
    if as_json:
        write_json(answer)
    else:
        write_fields(_for_people(answer))


def _answer(
    settings: Settings, playback: Playback, base: str, tiers: Tiers, opened: tuple[str, ...]
) -> dict[str, Any]:
    """What the origin's playback answer says, as far as the catalog knows it."""
    ttl = timedelta(seconds=settings.drm.playback_ttl_s)
    expires_at = (datetime.now(UTC) + ttl).replace(microsecond=0)
    token = open_tokens(settings).playback.issue(PlaybackToken(playback.scope, opened, expires_at))
    urls = playback.urls(base, token, tiers.access(opened))
    return {
        **playback.described,
        "tiers": opened,
        "hls": urls.hls,
        "hls_identity": urls.hls_identity,
        "hls_aes128": urls.hls_aes128,
        "dash": urls.dash,
        "license": urls.license,
        "token": token,
        "expires_at": instant(expires_at),
    }


def _for_people(answer: dict[str, Any]) -> dict[str, Any]:
    lists = {"tiers": answer["tiers"]}
    if "tracks" in answer:
        lists["tracks"] = [track["title"] for track in answer["tracks"]]
    return answer | {name: ", ".join(values) for name, values in lists.items()}


def _opened(tiers: Tiers, name: str | None) -> tuple[str, ...]:
    if name is None:
        return tiers.order
    try:
        return tiers.named(name)
    except Denied as exc:
        raise click.BadParameter(exc.detail, param_hint="--tier") from exc
