"""Tracks of one album wait for each other, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.album_loudness import Histogram, LoudnessBlocks, TrackLoudness
from pipeline.albums import Albums, Measured, album_artist, album_id, find_albums
from pipeline.tags import Tags
from tests.support import masters

LOUDNESS = TrackLoudness(LoudnessBlocks(Histogram(), Histogram()), -1.0)


@dataclass(slots=True)
class Seat:
    """A place that counts how often it was left."""

    left_times: int = 0

    @asynccontextmanager
    async def left(self) -> AsyncIterator[None]:
        self.left_times += 1
        yield


def album(folder: Path, *numbers: int, **tags: str) -> list[Path]:
    """Masters that name an album."""
    named: Any = {"album": "Rivers", "artist": "Ada"} | tags
    return [
        masters.flac(folder / f"{named['album']}-{number}.flac", masters.music(0.2), **named)
        for number in numbers
    ]


def measured(source: Path, release: str) -> Measured:
    return Measured(f"t-{source.stem}", release, LOUDNESS)


def rivers() -> str:
    return album_id(Tags(album="Rivers", artists=("Ada",)), "", "default")


async def settled(*tasks: asyncio.Task[object]) -> set[asyncio.Task[object]]:
    """Which of these are done after everybody had many turns."""
    for _ in range(100):
        await asyncio.sleep(0.001)
    return {task for task in tasks if task.done()}


async def test_each_waits_for_the_last_of_its_album(tmp_path: Path) -> None:
    sources = album(tmp_path, 1, 2, 3)
    seats = [Seat(), Seat(), Seat()]
    async with find_albums(sources, "default") as albums:
        waits = [
            asyncio.create_task(albums.others(source, measured(source, rivers()), seat))
            for source, seat in zip(sources[:2], seats, strict=False)
        ]
        assert await settled(*waits) == set()
        assert [seat.left_times > 0 for seat in seats] == [True, True, False]
        last = await albums.others(sources[2], measured(sources[2], rivers()), seats[2])
        assert await asyncio.gather(*waits) == [last, last]
    assert last == {f"t-{source.stem}": LOUDNESS for source in sources}
    assert seats[2].left_times == 0


async def test_a_track_that_fails_keeps_nobody_waiting_and_the_album_unknown(
    tmp_path: Path,
) -> None:
    one, other = album(tmp_path, 1, 2)
    async with find_albums([one, other], "default") as albums:
        wait = asyncio.create_task(albums.others(one, measured(one, rivers()), Seat()))
        assert await settled(wait) == set()
        await albums.leave(other, failed=True)
        assert await wait is None


async def test_a_track_that_is_in_the_catalog_already_is_read_there(tmp_path: Path) -> None:
    one, other = album(tmp_path, 1, 2)
    async with find_albums([one, other], "default") as albums:
        await albums.leave(other, failed=False)
        assert await albums.others(one, measured(one, rivers()), Seat()) == {"t-Rivers-1": LOUDNESS}
        # What ends later does not take back what was measured.
        await albums.leave(one, failed=True)


async def test_other_albums_and_single_tracks_are_not_waited_for(tmp_path: Path) -> None:
    (lone,) = album(tmp_path, 1)
    others = album(tmp_path, 1, 2, album="Oceans")
    loose = masters.wav(tmp_path / "loose.wav", masters.music(0.2))
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"fLaC" + bytes(20))
    async with find_albums([lone, *others, loose, broken], "default") as albums:
        async with asyncio.timeout(10):
            assert await albums.others(lone, measured(lone, rivers()), Seat()) is None
            assert await albums.others(loose, measured(loose, "r-loose"), Seat()) is None


async def test_a_master_that_turns_out_to_be_of_another_album(tmp_path: Path) -> None:
    """Tags that only ffprobe reads are not seen when albums are looked for."""
    one, other = album(tmp_path, 1, 2)
    async with find_albums([one, other], "default") as albums:
        wait = asyncio.create_task(albums.others(one, measured(one, rivers()), Seat()))
        assert await albums.others(other, measured(other, "r-other"), Seat()) is None
        assert await wait is None


async def test_a_folder_of_loose_tracks_is_no_album(tmp_path: Path) -> None:
    (source,) = album(tmp_path, 1)
    many = [source, *(tmp_path / f"{number}.flac" for number in range(200))]
    for path in many[1:]:
        path.symlink_to(source)
    async with find_albums(many, "default") as albums:
        assert await albums.others(source, measured(source, rivers()), Seat()) is None


async def test_one_master_alone_is_not_looked_at(tmp_path: Path) -> None:
    missing = tmp_path / "missing.flac"
    albums = Albums()
    await albums.find([missing], "default")
    assert await albums.others(missing, measured(missing, rivers()), Seat()) is None


def test_who_an_album_is_by() -> None:
    assert album_artist(Tags(album_artist="Ada", artists=("Bo",))) == "Ada"
    assert album_artist(Tags(artists=("Bo", "Cy"))) == "Bo"
    assert album_artist(Tags()) == "Unknown artist"
