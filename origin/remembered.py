"""The answers that are remembered: tracks, releases, what is popular, completions, totals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter

from catalog import releases, tracks
from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.folding import fold
from catalog.records import ReleaseRecord, TrackRecord
from configs.settings import ApiSettings
from origin.api.catalog_models import LARGEST_PAGE
from origin.api.search_models import Suggestion
from origin.finding import suggest
from origin.metadata import Kept, MetadataCache
from origin.problems import Missing

_UNFINISHED_S = 60  # how long a list is kept that new releases may make longer


@dataclass(frozen=True, slots=True)
class WholeRelease:
    """A release and all of its tracks, whether they may be listened to or not."""

    release: ReleaseRecord
    tracks: tuple[TrackRecord, ...]  # in order


class Remembered:
    """The catalog as the API asks it. Answers are of at most two seconds ago."""

    def __init__(self, cache: MetadataCache, settings: ApiSettings) -> None:
        self._cache = cache
        self._track: Kept[TrackRecord] = Kept(
            "track",
            lambda _: settings.song_ttl_s,
            lambda one: (one.track_id,),
            TypeAdapter(TrackRecord),
        )
        self._release: Kept[WholeRelease] = Kept(
            "release",
            lambda _: settings.song_ttl_s,
            lambda one: (one.release.release_id, *(each.track_id for each in one.tracks)),
            TypeAdapter(WholeRelease),
        )
        self._trending: Kept[tuple[TrackRecord, ...]] = Kept(
            "trending",
            lambda _: settings.trending_ttl_s,
            lambda found: (one.track_id for one in found),
            TypeAdapter(tuple[TrackRecord, ...]),
        )
        self._completed: Kept[tuple[Suggestion, ...]] = Kept(
            "completed",
            lambda found: settings.autocomplete_ttl_s if found else _UNFINISHED_S,
            lambda found: (one.id for one in found),
            TypeAdapter(tuple[Suggestion, ...]),
        )
        self._total: Kept[int] = Kept(
            "total", lambda _: settings.trending_ttl_s, lambda _: (), TypeAdapter(int)
        )

    async def track(self, track_id: str) -> TrackRecord:
        """A track; Missing unless listeners may have it now."""
        try:
            track = await self._cache.get(
                self._track, track_id, lambda tx: tracks.get(tx, track_id)
            )
        except NotFound:
            track = None
        if track is None or not track.is_available(datetime.now(UTC)):
            raise Missing("track-unavailable", "The track is not available.")
        return track

    async def release(self, release_id: str) -> WholeRelease:
        """A release with the tracks that listeners may have now; Missing where there is none."""

        async def read(tx: Tx) -> WholeRelease:
            release = await releases.get(tx, release_id)
            listed: list[TrackRecord] = []
            while True:
                after = listed[-1].track_id if listed else None
                page = await tracks.list_page(
                    tx, after=after, limit=LARGEST_PAGE, release_id=release_id
                )
                listed += page
                if len(page) < LARGEST_PAGE:
                    return WholeRelease(release, tuple(listed))

        now = datetime.now(UTC)
        try:
            found = await self._cache.get(self._release, release_id, read)
        except NotFound:  # the same words as for one of which nothing is out: no oracle
            raise _no_release() from None
        listed = tuple(one for one in found.tracks if one.is_available(now))
        if not listed:
            raise _no_release()
        return WholeRelease(found.release, listed)

    async def trending(self, limit: int) -> tuple[TrackRecord, ...]:
        """The most popular tracks that listeners may have now."""
        now = datetime.now(UTC)
        found = await self._cache.get(
            self._trending, "", lambda tx: tracks.popular(tx, limit=LARGEST_PAGE, now=now)
        )
        return tuple(one for one in found if one.is_available(now))[:limit]

    async def completed(self, query: str, limit: int) -> tuple[Suggestion, ...]:
        """Names that what is typed may become; what is typed alike is remembered once."""
        typed = fold(query) + (" " if query[-1:].isspace() else "")  # which ends a word
        return await self._cache.get(
            self._completed, f"{limit}:{typed}", lambda tx: suggest(tx, typed, limit)
        )

    async def total(self, what: str, count: Callable[[Tx], Awaitable[int]]) -> int:
        """How many there are, of some minutes ago: to count them, all have to be looked at."""
        return await self._cache.get(self._total, what, count)


def _no_release() -> Missing:
    return Missing("release-unavailable", "The release is not available.")
