"""Search as listeners have it: what is found, and may be listened to now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog import artists, releases, search, tracks
from catalog.engine import Tx
from catalog.folding import fold
from catalog.records import ArtistRecord, ReleaseRecord, TrackRecord
from catalog.search_entries import Kind
from origin.api.search_models import FoundKind, Suggestion

_SPARE = 2  # so many times as many are looked for: an embargo may be on some
_KINDS = {
    FoundKind.TRACK: Kind.TRACK,
    FoundKind.RELEASE: Kind.RELEASE,
    FoundKind.ARTIST: Kind.ARTIST,
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What fits best of each kind, the best first."""

    tracks: tuple[TrackRecord, ...] = ()
    releases: tuple[ReleaseRecord, ...] = ()
    artists: tuple[ArtistRecord, ...] = ()


async def find(tx: Tx, query: str, kinds: Sequence[FoundKind], limit: int) -> Findings:
    """Search for these kinds."""
    now = datetime.now(UTC)
    ids = await _ids(tx, query, kinds, limit)
    found_tracks = await tracks.of_ids(tx, ids.get(FoundKind.TRACK, ()))
    found_releases = await releases.of_ids(tx, ids.get(FoundKind.RELEASE, ()), now)
    artist_ids = [int(one) for one in ids.get(FoundKind.ARTIST, ())]
    found_artists = await artists.of_ids(tx, artist_ids, now)
    heard = {one: found for one, found in found_tracks.items() if found.is_available(now)}
    return Findings(
        tuple(heard[one] for one in ids.get(FoundKind.TRACK, ()) if one in heard)[:limit],
        tuple(
            found_releases[one] for one in ids.get(FoundKind.RELEASE, ()) if one in found_releases
        )[:limit],
        tuple(found_artists[one] for one in artist_ids if one in found_artists)[:limit],
    )


async def suggest(tx: Tx, query: str, limit: int) -> tuple[Suggestion, ...]:
    """Names that what is typed may become: artists, releases and tracks in turn, each once."""
    found = await find(tx, query, tuple(FoundKind), limit)
    named = [
        [(FoundKind.ARTIST, str(one.artist_id), one.name) for one in found.artists],
        [(FoundKind.RELEASE, one.release_id, one.title) for one in found.releases],
        [(FoundKind.TRACK, one.track_id, one.title) for one in found.tracks],
    ]
    chosen: dict[str, Suggestion] = {}
    for at in range(limit):
        for kind, id_, name in (listed[at] for listed in named if at < len(listed)):
            chosen.setdefault(fold(name), Suggestion(text=name, kind=kind, id=id_))
    return tuple(chosen.values())[:limit]


async def _ids(
    tx: Tx, query: str, kinds: Sequence[FoundKind], limit: int
) -> dict[FoundKind, list[str]]:
    found = await search.search(tx, query, [_KINDS[one] for one in kinds], limit=limit * _SPARE)
    return {one: [each.item_id for each in found[_KINDS[one]]] for one in kinds}
