"""The tracks of an album that are ingested together: each learns how loud the album is.

That stands in the header of every track file (`alou`), so a track that is encoded waits until the
others of its album are, before it is packaged. Which masters those are is read from their tags,
beside the first encodes. A track that fails keeps nobody waiting, nor does one that waits for them;
but then, as for a track that comes alone, the album is not known, and nothing is said of it in the
files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog.album_loudness import TrackLoudness
from pipeline.errors import PipelineError
from pipeline.executors.place import Place
from pipeline.identity import release_id
from pipeline.sidecar import read_sidecar
from pipeline.tags import Tags, read_tags

UNKNOWN_ARTIST = "Unknown artist"
# More is no album but a folder of loose tracks; and each that waits keeps its files.
_MOST_TRACKS = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """A track that is encoded."""

    track_id: str
    release_id: str
    loudness: TrackLoudness


class Albums:
    """The albums of one batch. Used by its tasks on one event loop."""

    def __init__(self) -> None:
        self._members: dict[str, list[Path]] = {}  # release id -> its masters in the batch
        self._release_of: dict[Path, str] = {}  # the same, the other way
        self._found = asyncio.Event()  # set when `_members` is complete
        # How far each master is: encoded; or out, either well (it was in the catalog already,
        # True) or not (False).
        self._ends: dict[Path, Measured | bool] = {}
        self._changed = asyncio.Condition()

    async def others(
        self, source: Path, measured: Measured, place: Place
    ) -> Mapping[str, TrackLoudness] | None:
        """Wait for the album; then what its tracks in this batch gave, by track id.

        Those that were in the catalog already are not among them. None where the album cannot be
        known: it has one track here, or one of them failed.
        """
        await self._end(source, measured)
        if not self._found.is_set():
            async with place.left():
                await self._found.wait()
        if self._release_of.get(source) != measured.release_id:
            return None
        members = self._members[measured.release_id]
        if not self._is_settled(members):
            async with place.left(), self._changed:
                await self._changed.wait_for(lambda: self._is_settled(members))
        return self._gathered(measured.release_id, members)

    async def leave(self, source: Path, *, failed: bool) -> None:
        """A track ended; whoever waits for its loudness, which may be known, need not any more."""
        if source not in self._ends:
            await self._end(source, not failed)

    async def step_aside(self, source: Path) -> None:
        """A track waits, and may do so until those of its album that wait here have gone on.

        They hold what it waits for: the room for its files; or a track of this album that another
        process waits for, which has this one. So none of them waits for it any more.
        """
        members = self._members.get(self._release_of.get(source, ""), ())
        if any(isinstance(self._ends.get(one), Measured) for one in members if one != source):
            await self.leave(source, failed=True)

    async def find(self, sources: Sequence[Path], tenant: str) -> None:
        """Read which masters belong together."""
        members: dict[str, list[Path]] = {}
        try:
            for source in sources if len(sources) > 1 else ():
                release = await asyncio.to_thread(_album_of, source, tenant)
                if release is not None:
                    members.setdefault(release, []).append(source)
            self._members = {
                release: of_it
                for release, of_it in members.items()
                if 2 <= len(of_it) <= _MOST_TRACKS
            }
            self._release_of = {one: name for name, of_it in self._members.items() for one in of_it}
        finally:
            self._found.set()

    async def _end(self, source: Path, end: Measured | bool) -> None:  # noqa: FBT001 - see _ends
        async with self._changed:
            if self._ends.get(source) is not False:  # who has left is not of the album again
                self._ends[source] = end
            self._changed.notify_all()

    def _is_settled(self, members: Sequence[Path]) -> bool:
        ends = [self._ends.get(member) for member in members]
        return None not in ends or any(end is False for end in ends)

    def _gathered(
        self, release: str, members: Sequence[Path]
    ) -> Mapping[str, TrackLoudness] | None:
        gathered = {}
        for member in members:
            match self._ends.get(member):
                case Measured(track, of_release, loudness) if of_release == release:
                    gathered[track] = loudness
                case True:
                    pass
                case _:  # it failed, or it is of another album than its tags alone had said
                    return None
        return gathered


@asynccontextmanager
async def find_albums(sources: Sequence[Path], tenant: str) -> AsyncIterator[Albums]:
    """The albums of a batch; they are being found while the block runs."""
    albums = Albums()
    finding = asyncio.create_task(albums.find(sources, tenant))
    try:
        yield albums
    finally:
        finding.cancel()
        await asyncio.gather(finding, return_exceptions=True)


def album_artist(tags: Tags) -> str:
    """Who the album is by."""
    return tags.album_artist or (tags.artists[0] if tags.artists else UNKNOWN_ARTIST)


def album_id(tags: Tags, title: str, tenant: str) -> str:
    """The release of a track; `title` is the track's, for one that names no album."""
    return release_id(tenant, tags.upc, album_artist(tags), tags.album or title)


def _album_of(source: Path, tenant: str) -> str | None:
    """The release that a master names; None where it names none. What is wrong is said later."""
    try:
        tags = read_tags(source, {}, read_sidecar(source).fields)
    except (PipelineError, OSError):
        return None
    if not (tags.album or tags.upc):
        return None
    return album_id(tags, "", tenant)
