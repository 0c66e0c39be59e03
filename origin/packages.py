"""What the origin remembers of packages and of whether listeners may have them."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from catalog import rights, tracks
from catalog.engine import Catalog
from catalog.errors import NotFound
from catalog.records import ReleaseRecord, StandingRecord, TrackRecord
from drm.policy import Rights
from origin.auth import Grant, wrong_scope
from origin.cache import Cache, Gathering, SingleFlight
from origin.outage import Known, Outage
from origin.problems import Missing
from origin.rights import rights_of
from packager import digests, index
from packager.model import ByteSpan, Loudness, Package, Rendition
from storage.base import ObjectStore
from storage.naming import PACKAGE_INDEX, track_object

_SEGMENT_COST = 400  # bytes of memory that one parsed segment takes
_STATUS_TTL_S = 2.0  # how long a takedown, or another change of rights, may go unseen
_STATUSES = 65536  # tracks
_MOST_AGING = 500  # tracks
_LARGEST_PIECE = 1 << 20  # bytes; a longer stretch that belongs to no segment is cut


@dataclass(frozen=True, slots=True)
class Layout:
    """A file as pieces that cover it: header, index, segments, anything between.

    What its bytes are recognized by: the digests of the pieces (`packager.digests`), or its own.
    """

    pieces: tuple[ByteSpan, ...]
    digests: bytes = b""
    sha256: str | None = None  # hex, of the whole file

    @classmethod
    def of(cls, rendition: Rendition) -> Layout:
        """Cut a track file where its parts begin and end."""
        spans = (rendition.init, rendition.sidx, *(one.span for one in rendition.segments))
        edges = {0, rendition.size}
        edges.update(edge for span in spans for edge in (span.start, span.end))
        parts = {(span.start, span.end) for span in spans}
        cuts = sorted(edge for edge in edges if 0 <= edge <= rendition.size)
        pieces: list[ByteSpan] = []
        for start, end in pairwise(cuts):
            step = end - start if (start, end) in parts else _LARGEST_PIECE
            pieces += [ByteSpan(at, min(at + step, end)) for at in range(start, end, step)]
        is_known = len(rendition.digests) == digests.SIZE * len(pieces)
        return cls(tuple(pieces), rendition.digests if is_known else b"", rendition.sha256)

    @classmethod
    def single(cls, size: int, sha256: str) -> Layout:
        """A file that is one piece; its SHA-256 in hex."""
        return cls((ByteSpan(0, size),), bytes.fromhex(sha256)[: digests.SIZE], sha256)

    def number(self, start: int) -> int:
        """The number of the piece that the byte at `start` is in."""
        return bisect_right(self.pieces, start, key=lambda piece: piece.start) - 1

    def covering(self, start: int, end: int) -> tuple[ByteSpan, ...]:
        """The pieces that hold the bytes from `start` up to `end` (start < end)."""
        first = self.number(start)
        after = bisect_right(self.pieces, end - 1, key=lambda piece: piece.start)
        return self.pieces[first:after]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A package and the layout of its track files, parsed once per revision."""

    package: Package
    layouts: dict[str, Layout]  # by name of the track file

    def rendition(self, name: str) -> Rendition:
        """The rendition of that name, or Missing."""
        rendition = self.package.rendition(name)
        if rendition is None:
            raise Missing("rendition-not-found", "The package has no such rendition.")
        return rendition


_MOST_NAMES = 200


class Packages:
    """Package indexes by (track, revision), bounded by the memory they take."""

    def __init__(self, store: ObjectStore, limit_bytes: int) -> None:
        self._store = store
        self.cache: Cache[tuple[str, str], Loaded] = Cache(limit_bytes)
        self._flights: SingleFlight[tuple[str, str], Loaded] = SingleFlight()
        self.names: set[str] = set()  # of the renditions that were met, while there are not many

    async def get(self, track_id: str, revision: str) -> Loaded:
        """The package of a revision. ObjectNotFound where there is none."""
        key = (track_id, revision)
        loaded = self.cache.get(key)
        if loaded is None:
            loaded = await self._flights.run(key, lambda: self._load(key))
        return loaded

    async def _load(self, key: tuple[str, str]) -> Loaded:
        package = index.decode(await self._store.get(track_object(*key, PACKAGE_INDEX)))
        loaded = Loaded(package, {one.name: Layout.of(one) for one in package.files()})
        segments = sum(len(one.segments) for one in package.files())
        if len(self.names) < _MOST_NAMES:
            self.names.update(one.name for one in package.renditions)
        self.cache.put(key, loaded, (segments + 10) * _SEGMENT_COST)
        return loaded

    async def close(self) -> None:
        """Stop running loads."""
        await self._flights.close()


@dataclass(frozen=True, slots=True)
class Status:
    """What the catalog says of a track, for a while."""

    rights: Rights
    album: Loudness | None  # how loud the release is that the track is part of
    until: float  # time.monotonic()
    read_at: float  # time.monotonic()


class Availability:
    """The rights of tracks, of which release each is and how loud that is.

    From the catalog, remembered for two seconds.

    Manifests, keys and licenses ask here, so that a takedown or an embargo binds at once while the
    media bytes, which are of no use without them, stay cacheable for ever.
    """

    def __init__(self, catalog: Catalog, outage: Outage) -> None:
        self._catalog = catalog
        self._outage = outage
        self.statuses: Cache[str, Status] = Cache(_STATUSES)
        self._looks: Gathering[str, Status] = Gathering(self._look)
        self._aging: set[str] = set()  # asked for, and soon to be looked up again

    def known(self, track_id: str) -> Status | None:
        """What the catalog said less than two seconds ago, if it was asked."""
        status = self.statuses.get(track_id)
        if status is None:
            return None
        left_s = status.until - time.monotonic()
        if left_s < _STATUS_TTL_S / 2 and len(self._aging) < _MOST_AGING:
            self._aging.add(track_id)
        return status if left_s > 0 else None

    async def rights(self, track_id: str) -> Rights:
        """The track's rights; those of one that is not published where there is no such track."""
        return (await self._status(track_id)).rights

    async def album_loudness(self, track_id: str) -> Loudness | None:
        """The loudness of the track's release, where it has one and that is known."""
        return (await self._status(track_id)).album

    def is_covered(self, track_id: str, grant: Grant) -> bool:
        """Whether a release's token is known to cover the track, without asking the catalog."""
        status = self.known(track_id)
        return status is not None and grant.covers(track_id, status.rights.release_id)

    async def require_covered(self, track_id: str, grant: Grant) -> None:
        """Denied unless the token is for the track or for its release."""
        release_id = None
        if grant.is_of_release:
            release_id = (await self.rights(track_id)).release_id
        if not grant.covers(track_id, release_id):
            raise wrong_scope()

    async def _status(self, track_id: str) -> Status:
        known = self.known(track_id)
        if known is not None:
            return known
        last = self.statuses.get(track_id)
        status = await self._outage.ask(
            lambda: self._looks.get(track_id), None if last is None else Known(last, last.read_at)
        )
        if (
            status is last and self.statuses.get(track_id) is last
        ):  # the catalog is away: believed for as long as until the next try
            status = replace(last, until=time.monotonic() + _STATUS_TTL_S / 2)
            self.statuses.put(track_id, status)
        return status

    async def _look(self, asked: Collection[str]) -> dict[str, Status]:
        """Look up what is asked for, and with it what otherwise would be next.

        A look-up costs about 2 ms of CPU, however few it is for; what is in use is a few hundred
        tracks, and so one look-up in two seconds, not a hundred.
        """
        track_ids = {*asked, *self._aging}
        self._aging.clear()
        read_at = time.monotonic()
        until = read_at + _STATUS_TTL_S
        async with self._catalog.connect(fresh=True) as tx:
            found = await tracks.standings(tx, track_ids)
            albums = {one.release_id for one in found.values() if one.release_id is not None}
            records = await rights.of_owners(tx, [*found, *albums])
        statuses = {}
        for track_id in track_ids:
            track = found.get(track_id)
            if track is None:
                status = Status(
                    Rights(track_id, published=False), album=None, until=until, read_at=read_at
                )
            else:
                record = records.get(track_id) or records.get(track.release_id or "")
                status = Status(rights_of(track, record), release_loudness(track), until, read_at)
            statuses[track_id] = status
            self.statuses.put(track_id, status)
        return statuses

    async def close(self) -> None:
        """Stop running look-ups."""
        await self._looks.close()


def release_loudness(release: ReleaseRecord | StandingRecord) -> Loudness | None:
    """How loud the whole release is, where the catalog knows."""
    values = release.integrated_lufs, release.loudness_range_lu, release.true_peak_dbtp
    return None if values == (None, None, None) else Loudness(*values)


async def available_track(catalog: Catalog, track_id: str) -> TrackRecord:
    """The track as the catalog has it at this moment; Missing unless listeners may have it."""
    try:
        async with catalog.glance(fresh=True) as tx:
            track = await tracks.get(tx, track_id)
    except NotFound:
        track = None
    if track is None or not track.is_available(datetime.now(UTC)):
        raise Missing("track-unavailable", "The track is not available.")
    return track
