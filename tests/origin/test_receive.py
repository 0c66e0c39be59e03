"""A body into a file: what is counted is what is there."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from origin.uploads.receive import Ending, Receiver
from origin.uploads.threads import Threads


class Sender:
    """Gives chunks, then ends in one way or another."""

    def __init__(self, *chunks: bytes, end: BaseException | None = None) -> None:
        self._chunks = list(chunks)
        self._end = end

    async def __call__(self) -> bytes:
        await asyncio.sleep(0)
        if self._chunks:
            return self._chunks.pop(0)
        if self._end is not None:
            raise self._end
        return b""


async def nothing() -> bytes:
    await asyncio.Event().wait()
    return b""


def receiver(path: Path, counted: list[int], **changes: object) -> Receiver:
    async def count(received: int) -> None:
        assert path.stat().st_size >= received
        counted.append(received)

    never: Callable[[], bool] = lambda: False  # noqa: E731 - a value
    values = {
        "start": 0,
        "limit": 10_000,
        "is_wanted": never,
        "has_room": lambda: True,
        "idle_s": 5.0,
        "threads": Threads(),
        **changes,
    }
    return Receiver(path, count=count, **values)  # type: ignore[arg-type]  # a test's choice


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a.master"
    file.touch()
    return file


@pytest.mark.parametrize(
    ("sender", "ending"),
    [
        (Sender(b"abc", b"def"), Ending.WHOLE),
        (Sender(b"abc", b"def", end=ConnectionResetError()), Ending.CUT),
    ],
)
async def test_what_came_is_kept_however_it_ended(
    path: Path, sender: Sender, ending: Ending
) -> None:
    counted: list[int] = []
    path.write_bytes(b"12345 and what was never counted")
    assert await receiver(path, counted, start=5).receive(sender) is ending
    assert path.read_bytes() == b"12345abcdef"
    assert counted == [11]


async def test_more_than_announced_counts_for_nothing(path: Path) -> None:
    counted: list[int] = []
    made = receiver(path, counted, limit=5)
    assert await made.receive(Sender(b"abc", b"def")) is Ending.TOO_LONG
    assert counted == []
    assert path.stat().st_size <= 5


async def test_with_a_checksum_nothing_counts_before_it_is_compared(path: Path) -> None:
    counted: list[int] = []
    data = bytes(range(256)) * 10_000
    made = receiver(path, counted, limit=len(data), hasher=hashlib.sha256())
    assert await made.receive(Sender(data[:7], data[7:])) is Ending.WHOLE
    assert (counted, made.position) == ([], len(data))
    assert made.hasher.digest() == hashlib.sha256(data).digest()


async def test_who_is_wanted_lets_go(path: Path) -> None:
    counted: list[int] = []

    async def body() -> bytes:
        await asyncio.sleep(0.01 if not counted else 60)
        counted.append(-1)
        return b"abc" if len(counted) == 1 else await nothing()

    made = receiver(path, counted, is_wanted=lambda: True)
    assert await made.receive(body) is Ending.WANTED
    assert counted == [-1, 3]


async def test_a_trickle_does_not_hold_it(path: Path) -> None:
    counted: list[int] = []

    async def body() -> bytes:
        await asyncio.sleep(0.05)
        return b"x"

    async with asyncio.timeout(2):
        assert await receiver(path, counted, is_wanted=lambda: True).receive(body) is Ending.WANTED
    assert counted == [path.stat().st_size]


async def test_a_disk_that_fills_ends_it_and_what_came_is_kept(path: Path) -> None:
    counted: list[int] = []
    chunks = (bytes(1 << 20) for _ in range(40))

    async def body() -> bytes:
        return next(chunks)

    made = receiver(path, counted, limit=40 << 20, has_room=lambda: len(counted) < 2)
    assert await made.receive(body) is Ending.FULL
    assert counted == [16 << 20, 32 << 20]


async def test_an_end_of_the_server_keeps_what_came(path: Path) -> None:
    """And waits for its threads, however often it is told: who gets the lock next meets none."""
    counted: list[int] = []
    given, is_asked = [b"abc"], asyncio.Event()

    async def body() -> bytes:
        if given:
            return given.pop()
        is_asked.set()
        return await nothing()

    task = asyncio.create_task(receiver(path, counted).receive(body))
    await is_asked.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (counted, path.read_bytes()) == ([3], b"abc")


async def test_memory_is_bounded_and_long_bodies_count_on_their_way(path: Path) -> None:
    counted: list[int] = []
    size, chunk = 64 << 20, bytes(1 << 16)
    sent = 0

    async def body() -> bytes:
        nonlocal sent
        sent += len(chunk)
        return chunk if sent <= size else b""

    tracemalloc.start()
    try:
        await receiver(path, counted, limit=size).receive(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
    assert counted[-1] == path.stat().st_size == size
    assert len(counted) >= 4
