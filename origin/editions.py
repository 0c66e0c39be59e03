"""The editions of a release: which of its tracks there are to hear, in which revisions.

An edition has a name, a hash of all that its manifests depend on, so that a manifest's URL always
means the same bytes. Publishing, taking down and the end of an embargo each make another one, and
so do rights: who may not have all of its tracks has an edition of those that they may.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog import releases, rights, tracks
from catalog.engine import Catalog, Tx
from catalog.errors import NotFound
from catalog.records import ReleaseRecord, TrackRecord
from drm import policy
from drm.policy import Rights
from origin.cache import Cache, SingleFlight
from origin.outage import Known, Outage
from origin.packages import release_loudness
from origin.problems import Missing
from origin.rights import rights_of

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


@dataclass(frozen=True, slots=True)
class Pool:
    """A release and all of its published tracks, with the rights of each."""

    release: ReleaseRecord
    tracks: tuple[TrackRecord, ...]  # one at least, in order of disc, number and title
    rights: tuple[Rights, ...]  # of each of them

    def edition(self, of: Collection[str]) -> Edition:
        """The edition that has these tracks of it, by their ids."""
        chosen = tuple(one for one in self.tracks if one.track_id in of)
        loudness = repr(release_loudness(self.release))
        revisions = map(" ".join, _revisions(chosen))
        lines = [self.release.title, self.release.artist, loudness, *revisions]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return Edition(digest[:16], self.release, chosen)


async def read_pool(tx: Tx, release_id: str, now: datetime) -> Pool:
    """The release at this moment. NotFound for none, Missing if nothing of it is out."""
    release = await releases.get(tx, release_id)
    found = await tracks.list_page(tx, after=None, limit=_LONGEST, release_id=release_id, now=now)
    if not found:
        raise Missing("release-unavailable", "The release is not available.")
    records = await rights.of_owners(tx, [release_id, *(one.track_id for one in found)])
    of_release = records.get(release_id)
    return Pool(
        release,
        found,
        tuple(rights_of(one, records.get(one.track_id) or of_release) for one in found),
    )


async def read_edition(tx: Tx, release_id: str, now: datetime) -> Edition:
    """The edition of this moment for somebody of whom it is not known where they are.

    NotFound for no such release, Missing if there is nothing of it for them.
    """
    pool = await read_pool(tx, release_id, now)
    anything = frozenset({"*"})
    asked = policy.Request(policy.release_scope(release_id), anything, anything)
    granted = {
        one.track_id
        for one in pool.rights
        if isinstance(policy.decide(asked, one, now), policy.Grant)
    }
    if not granted:
        raise Missing("release-unavailable", "The release is not available.")
    return pool.edition(granted)


def _revisions(found: Sequence[TrackRecord]) -> tuple[tuple[str, str], ...]:
    return tuple((one.track_id, one.current_revision or "") for one in found)


class Editions:
    """What editions are made of, from the catalog, remembered for two seconds."""

    def __init__(self, catalog: Catalog, outage: Outage) -> None:
        self._catalog = catalog
        self._outage = outage
        # With None for one of which nothing is out any more: a catalog that is away does not bring
        # it back.
        self._pools: Cache[str, tuple[Pool | None, float]] = Cache(_REMEMBERED)
        self._flights: SingleFlight[str, Pool | None] = SingleFlight()

    async def get(self, release_id: str) -> Pool:
        """The release and its tracks; Missing unless something of it is out."""
        held = self._pools.get(release_id)
        if held is not None and time.monotonic() < held[1]:
            pool = held[0]
        else:
            known = None if held is None else Known(held[0], held[1] - _TTL_S)
            pool = await self._outage.ask(
                lambda: self._flights.run(release_id, lambda: self._read(release_id)), known
            )
        if pool is None:  # the same words for one that never was: no oracle
            raise Missing("release-unavailable", "The release is not available.")
        return pool

    async def _read(self, release_id: str) -> Pool | None:
        until = time.monotonic() + _TTL_S
        pool = None
        with suppress(NotFound, Missing):
            async with self._catalog.connect(fresh=True) as tx:
                pool = await read_pool(tx, release_id, datetime.now(UTC))
        if pool is not None or release_id in self._pools:
            self._pools.put(release_id, (pool, until))
        return pool

    async def close(self) -> None:
        """Stop running look-ups."""
        await self._flights.close()
