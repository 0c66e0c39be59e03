"""The one track, or release, that an operator means."""

from __future__ import annotations

from catalog import releases, tracks
from catalog.engine import Tx
from catalog.records import ReleaseRecord, TrackRecord
from pipeline.cli.output import Failure


async def one_track(tx: Tx, text: str) -> TrackRecord:
    """Find the track with that id, ISRC or exact title; Failure for none, and for more than one."""
    found = await tracks.find(tx, text)
    if not found:
        raise Failure(f"{text}: no track has that id, ISRC or title (see `headwater track list`)")
    if len(found) > 1:
        ids = ", ".join(track.track_id for track in found)
        raise Failure(f"{text}: {len(found)} tracks have that title (name one by its id: {ids})")
    return found[0]


async def one_release(tx: Tx, text: str) -> ReleaseRecord:
    """Find the release with that id, UPC or exact title; Failure for none and for several."""
    found = await releases.find(tx, text)
    if not found:
        raise Failure(f"{text}: no release has that id, UPC or title")
    if len(found) > 1:
        ids = ", ".join(f"{one.release_id} ({one.artist})" for one in found)
        raise Failure(f"{text}: {len(found)} releases have that title (name one by its id: {ids})")
    return found[0]
