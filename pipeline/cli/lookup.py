"""The one track that an operator means."""

from __future__ import annotations

from catalog import tracks
from catalog.engine import Tx
from catalog.records import TrackRecord
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
