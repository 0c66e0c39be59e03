"""The editions of a release: which of its tracks there are to hear, in which revisions.

An edition has a name, a hash of all that its manifests depend on, so that a manifest's URL always
means the same bytes. Publishing, taking down and the end of an embargo each make another one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog import releases, tracks
from catalog.engine import Catalog, Tx
from catalog.errors import NotFound
from catalog.records import ReleaseRecord, TrackRecord
from origin.cache import Cache, SingleFlight
from origin.packages import release_loudness
from origin.problems import Missing

_TTL_S = 2.0  # how long a takedown may go unseen
_REMEMBERED = 1024  # releases
_LONGEST = 500  # tracks; what is more is left out


@dataclass(frozen=True, slots=True)
class Edition:
    """A release as listeners may have it at one moment; it has one track at least."""

    name: str  # 16 hex digits
    release: ReleaseRecord
    tracks: tuple[TrackRecord, ...]  # available ones, in order of disc, number and title

    @property
    def revisions(self) -> tuple[tuple[str, str], ...]:
        """Track id and revision of each track."""
        return _revisions(self.tracks)


async def read_edition(tx: Tx, release_id: str, now: datetime) -> Edition:
    """The edition of this moment. NotFound for no such release, Missing if nothing of it is out."""
    release = await releases.get(tx, release_id)
    found = await tracks.list_page(tx, after=None, limit=_LONGEST, release_id=release_id, now=now)
    if not found:
        raise Missing("release-unavailable", "The release is not available.")
    loudness = repr(release_loudness(release))
    lines = [release.title, release.artist, loudness, *map(" ".join, _revisions(found))]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Edition(digest[:16], release, found)


def _revisions(found: Sequence[TrackRecord]) -> tuple[tuple[str, str], ...]:
    return tuple((one.track_id, one.current_revision or "") for one in found)


class Editions:
    """The current editions, from the catalog, remembered for two seconds."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._editions: Cache[str, tuple[Edition, float]] = Cache(_REMEMBERED)
        self._flights: SingleFlight[str, Edition] = SingleFlight()

    async def get(self, release_id: str) -> Edition:
        """The release's current edition; Missing unless listeners may have something of it."""
        held = self._editions.get(release_id)
        if held is not None and time.monotonic() < held[1]:
            return held[0]
        return await self._flights.run(release_id, lambda: self._read(release_id))

    async def _read(self, release_id: str) -> Edition:
        until = time.monotonic() + _TTL_S
        try:
            async with self._catalog.connect() as tx:
                edition = await read_edition(tx, release_id, datetime.now(UTC))
        except NotFound as exc:  # the same words as for one that is not out: no oracle
            raise Missing("release-unavailable", "The release is not available.") from exc
        self._editions.put(release_id, (edition, until))
        return edition

    async def close(self) -> None:
        """Stop running look-ups."""
        await self._flights.close()
