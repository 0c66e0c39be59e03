"""Search as listeners have it: what is found, and may be listened to now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from catalog import artists, names, releases, search, tracks
from catalog.engine import Tx
from catalog.folding import fold
from catalog.records import ArtistRecord, ReleaseRecord, TrackRecord
from catalog.search_entries import Kind
from origin.api.search_models import FoundKind, Suggestion

T = TypeVar("T")

_SPARE = 2  # so many times as many are looked for: an embargo may be on some
_KINDS = {
    FoundKind.TRACK: Kind.TRACK,
    FoundKind.RELEASE: Kind.RELEASE,
    FoundKind.ARTIST: Kind.ARTIST,
}
_SUGGESTED = (FoundKind.ARTIST, FoundKind.RELEASE, FoundKind.TRACK)  # in turn


@dataclass(frozen=True, slots=True)
class Findings:
    """What fits best of each kind, the best first."""

    tracks: tuple[TrackRecord, ...] = ()
    releases: tuple[ReleaseRecord, ...] = ()
    artists: tuple[ArtistRecord, ...] = ()


async def find(tx: Tx, query: str, kinds: Sequence[FoundKind], limit: int) -> Findings:
    """Search for these kinds."""
    now = datetime.now(UTC)

    async def heard(ids: Sequence[str]) -> dict[str, TrackRecord]:
        found = await tracks.of_ids(tx, ids)
        return {one: track for one, track in found.items() if track.is_available(now)}

    async def out(ids: Sequence[str]) -> dict[str, ReleaseRecord]:
        return await releases.of_ids(tx, ids, now)

    async def known(ids: Sequence[str]) -> dict[str, ArtistRecord]:
        found = await artists.of_ids(tx, [int(one) for one in ids], now)
        return {str(number): one for number, one in found.items()}

    ids = await _ids(tx, query, kinds, limit)
    return Findings(
        await _first(heard, ids.get(Kind.TRACK, ()), limit),
        await _first(out, ids.get(Kind.RELEASE, ()), limit),
        await _first(known, ids.get(Kind.ARTIST, ()), limit),
    )


async def suggest(tx: Tx, query: str, limit: int) -> tuple[Suggestion, ...]:
    """Names that what is typed may become: artists, releases and tracks in turn, each once."""
    ids = await _ids(tx, query, tuple(FoundKind), limit)
    named = await names.of_items(tx, ids, datetime.now(UTC))
    chosen: dict[str, Suggestion] = {}
    for at in range(limit * _SPARE):
        for kind in _SUGGESTED:
            listed = ids[_KINDS[kind]]
            name = named.get((_KINDS[kind], listed[at])) if at < len(listed) else None
            if name is not None:
                chosen.setdefault(fold(name), Suggestion(text=name, kind=kind, id=listed[at]))
    return tuple(chosen.values())[:limit]


async def _ids(
    tx: Tx, query: str, kinds: Sequence[FoundKind], limit: int
) -> Mapping[Kind, Sequence[str]]:
    found = await search.search(tx, query, [_KINDS[one] for one in kinds], limit=limit * _SPARE)
    return {kind: [one.item_id for one in of_kind] for kind, of_kind in found.items()}


async def _first(
    read: Callable[[Sequence[str]], Awaitable[dict[str, T]]], ids: Sequence[str], limit: int
) -> tuple[T, ...]:
    """The first of them that there are: the spare ones are read only where some are missing."""
    found = await read(ids[:limit])
    if len(found) < limit < len(ids):
        found |= await read(ids[limit:])
    return tuple(found[one] for one in ids if one in found)[:limit]
