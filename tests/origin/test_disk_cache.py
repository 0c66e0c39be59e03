"""The second level: what is held is what was written, or it is not held."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin.counters import Counters
from origin.disk_cache import DiskCache

PIECE = ("tracks/t/r/aac-128k.mp4", 700, 1724)
DATA = bytes(range(256)) * 4


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def cache(tmp_path: Path, counters: Counters) -> DiskCache:
    return DiskCache(tmp_path / "cache", 1 << 20, counters)


def files(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "cache").rglob("*") if one.is_file()]


async def test_what_was_written_is_read_also_by_another_worker(
    cache: DiskCache, counters: Counters, tmp_path: Path
) -> None:
    assert await cache.read(PIECE) is None
    cache.write(PIECE, DATA)
    await cache.close()
    assert await cache.read(PIECE) == DATA
    assert await DiskCache(tmp_path / "cache", 1 << 20, Counters()).read(PIECE) == DATA
    assert await cache.read((PIECE[0], 700, 1725)) is None
    assert (counters.disk_hits, counters.disk_bytes, counters.disk_errors) == (1, 1024, 0)


async def test_a_bit_that_flipped_is_never_read(
    cache: DiskCache, counters: Counters, tmp_path: Path
) -> None:
    randomness = random.Random(4)
    for flipped in range(1, 40):
        cache.write(PIECE, DATA)
        await cache.close()
        (file,) = files(tmp_path)
        altered = bytearray(file.read_bytes())
        altered[randomness.randrange(len(altered))] ^= 1 << randomness.randrange(8)
        file.write_bytes(altered)
        assert await cache.read(PIECE) is None
        assert counters.disk_errors == flipped
        assert files(tmp_path) == []  # the store is asked, and it is written anew


@pytest.mark.parametrize("length", [0, 10, 50, 1000])
async def test_a_file_that_was_cut_is_never_read(
    cache: DiskCache, tmp_path: Path, length: int
) -> None:
    cache.write(PIECE, DATA)
    await cache.close()
    os.truncate(files(tmp_path)[0], length)
    assert await cache.read(PIECE) is None


async def test_a_file_in_anothers_place_is_never_read(cache: DiskCache, tmp_path: Path) -> None:
    other = (PIECE[0], 1724, 2748)
    cache.write(PIECE, DATA)
    await cache.close()
    (first,) = files(tmp_path)
    cache.write(other, DATA[::-1])
    await cache.close()
    (second,) = [one for one in files(tmp_path) if one != first]
    first.write_bytes(second.read_bytes())
    assert await cache.read(PIECE) is None
    assert await cache.read(other) == DATA[::-1]


async def test_it_stays_within_its_limit(cache: DiskCache, tmp_path: Path) -> None:
    for number in range(300):
        cache.write(("a", number, number + 1), bytes(10_000))
        await cache.close()
        if number % 10 == 0:
            os.utime(cache._path(("a", 0, 1)))  # in use
    assert sum(one.stat().st_size for one in files(tmp_path)) <= (1 << 20) * 17 // 16
    assert await cache.read(("a", 0, 1)) is not None
    assert await cache.read(("a", 1, 2)) is None
    assert await cache.read(("a", 299, 300)) is not None


async def test_what_others_have_in_the_folder_is_left_alone(
    cache: DiskCache, counters: Counters, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    (folder / "lost+found").mkdir(parents=True)
    (folder / "lost+found" / "1").write_bytes(bytes(2 << 20))
    (folder / "stray").write_bytes(b"what is this?")
    for number in range(150):
        cache.write(("a", number, number + 1), bytes(10_000))
        await cache.close()
    assert counters.disk_errors == 0
    ours = sum(one.stat().st_size for one in files(tmp_path)) - (2 << 20)
    assert 500_000 < ours <= (1 << 20) * 17 // 16
    assert (folder / "stray").exists()


async def test_a_disk_that_takes_nothing_costs_nothing_but_the_level(
    counters: Counters, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("no folder")
    cache = DiskCache(tmp_path / "cache", 1 << 20, counters)
    for _ in range(3):
        cache.write(PIECE, DATA)
        await cache.close()
    assert await cache.read(PIECE) is None
    assert counters.disk_errors in {1, 2}  # the first write, then it rests; perhaps the read
    assert counters.disk_hits == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where there may be one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


async def test_a_full_disk_costs_nothing_but_the_level(
    small_disk: Path, counters: Counters
) -> None:
    cache = DiskCache(small_disk, 1 << 20, counters)
    for number in range(20):
        cache.write(("a", number, number + 1), os.urandom(10_000))
        await cache.close()
    assert counters.disk_errors == 1  # then it rests
    held = [await cache.read(("a", number, number + 1)) for number in range(20)]
    assert 1 <= sum(one is not None for one in held) <= 6
    assert counters.disk_errors == 1  # what did not fit left no half of a file
