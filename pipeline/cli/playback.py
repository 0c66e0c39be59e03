"""What `headwater play` opens: one track, or a release as one piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from catalog import tracks
from catalog.engine import Tx
from catalog.records import RevisionRecord, TrackRecord, TrackStatus
from configs.settings import Settings
from drm.playback_urls import PlaybackUrls, playback_urls, release_urls
from drm.policy import release_scope, track_scope
from origin.editions import read_edition
from origin.problems import Missing
from packager.model import Codec
from pipeline.cli.compose import open_catalog
from pipeline.cli.lookup import one_release, one_track
from pipeline.cli.output import Failure, instant


@dataclass(frozen=True, slots=True)
class Playback:
    """Something to play, but for the token that opens it."""

    scope: str  # of the token
    described: dict[str, Any]
    urls: Callable[[str, str, str], PlaybackUrls]  # of the base URL, the token and the access


async def of_track(
    settings: Settings, text: str, revision: str | None, opened: tuple[str, ...]
) -> Playback:
    """The track with that id, ISRC or title, in its current revision or another one.

    Failure where there is none, where listeners may not have it, or have nothing of it in these
    tiers.
    """
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        track = await one_track(tx, text)
        chosen = await _revision(tx, track, revision)
    _require_rendition(track, chosen, opened)
    name = chosen.draft.revision
    return Playback(
        track_scope(track.track_id),
        {"track_id": track.track_id, "revision": name, "title": track.title},
        lambda base, token, access: playback_urls(base, token, track.track_id, name, access),
    )


async def of_release(settings: Settings, text: str, opened: tuple[str, ...]) -> Playback:
    """The release with that id, UPC or title, of the tracks that listeners may have now.

    Failure where there is none, or nothing that all of its tracks have in these tiers.
    """
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        release = await one_release(tx, text)
        try:
            edition = await read_edition(tx, release.release_id, datetime.now(UTC))
        except Missing as exc:
            raise Failure(f"{release.release_id}: none of its tracks is available") from exc
        revisions = [await tracks.revision(tx, *one) for one in edition.revisions]
    if not _in_common(revisions, opened):
        wanted = ", ".join(opened)
        raise Failure(f"{release.release_id}: no rendition in tier {wanted} that every track has")
    return Playback(
        release_scope(release.release_id),
        {
            "release_id": release.release_id,
            "edition": edition.name,
            "title": release.title,
            "artist": release.artist,
            "tracks": [
                {"track_id": one.track_id, "revision": one.current_revision, "title": one.title}
                for one in edition.tracks
            ],
        },
        partial(_release_urls, release.release_id, edition.name),
    )


def _release_urls(
    release_id: str, edition: str, base: str, token: str, access: str
) -> PlaybackUrls:
    return release_urls(base, token, release_id, edition, access)


def _in_common(revisions: Sequence[RevisionRecord], opened: tuple[str, ...]) -> bool:
    """Whether the release manifests will hold anything: see `packager.release.in_common`."""
    kinds = [
        {
            (one.name, one.codecs, one.channels, revision.draft.scheme)
            for one in revision.draft.renditions
            if one.tier in opened and one.codec != Codec.OPUS
        }
        for revision in revisions
    ]
    return bool(set.intersection(*kinds))


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
