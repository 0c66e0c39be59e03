"""Altered bytes: read again, or refused; with the digests of an index, and without."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from origin.checked import Altered, CheckedStore
from origin.packages import Layout
from packager.digests import digest
from packager.model import ByteSpan
from storage.base import ByteRange, ObjectStore
from storage.testing import MemoryStore

KEY = "tracks/x/flac.mp4"
WHOLE = bytes(range(256)) * 40
PARTS = tuple(ByteSpan(at, min(at + 3000, len(WHOLE))) for at in range(0, len(WHOLE), 3000))
SHA256 = hashlib.sha256(WHOLE).hexdigest()

KNOWN = Layout(PARTS, b"".join(digest(WHOLE[one.start : one.end]) for one in PARTS))
UNKNOWN = Layout(PARTS, sha256=SHA256)
UNHEARD_OF = Layout(PARTS)  # the store knows what it was

Lie = Callable[[bytes], bytes]


class LyingStore(MemoryStore):
    """It answers so many times with something else."""

    def __init__(self, lie: Lie, times: int) -> None:
        super().__init__()
        self.objects[KEY] = WHOLE
        self.lie, self.times = lie, times
        self.reads = 0

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """What was asked for, or a lie."""
        self.reads += 1
        data = await super().get(key, span)
        if self.times:
            self.times -= 1
            return self.lie(data)
        return data


LIES = {
    "a bit": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "the last bit": lambda data: data[:-1] + bytes([data[-1] ^ 0x80]),
    "short": lambda data: data[:-1],
    "long": lambda data: data + b"x",
    "nothing": lambda _: b"",
}


async def _read(store: ObjectStore, layout: Layout) -> bytes:
    checked = CheckedStore(store)
    return b"".join([await checked.read(KEY, one, layout) for one in PARTS])


@pytest.mark.parametrize("layout", [KNOWN, UNKNOWN, UNHEARD_OF])
async def test_what_is_right_comes_through(layout: Layout) -> None:
    assert await _read(LyingStore(LIES["a bit"], 0), layout) == WHOLE


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
@pytest.mark.parametrize("layout", [KNOWN, UNKNOWN], ids=["known", "unknown"])
async def test_a_lie_is_asked_for_again(layout: Layout, lie: Lie) -> None:
    assert await _read(LyingStore(lie, 2), layout) == WHOLE


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
@pytest.mark.parametrize("layout", [KNOWN, UNKNOWN], ids=["known", "unknown"])
async def test_lies_are_never_given_out(layout: Layout, lie: Lie) -> None:
    store = LyingStore(lie, 99)
    checked = CheckedStore(store)
    with pytest.raises(Altered):
        await checked.read(KEY, PARTS[0], layout)
    assert checked.altered == store.reads


async def test_an_object_without_digests_is_read_whole_only_once() -> None:
    store = LyingStore(LIES["a bit"], 0)
    checked = CheckedStore(store)
    for _ in range(2):
        for one in PARTS:
            await checked.read(KEY, one, UNKNOWN)
    assert store.reads == 1 + 2 * len(PARTS)
