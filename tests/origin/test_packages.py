"""A track file as pieces; tracks that are looked up together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import publish
from catalog.engine import Catalog, Tx
from origin import packages
from origin.outage import Outage
from origin.packages import Availability, Layout
from packager.model import ByteSpan, Codec, Rendition, Segment, Trim
from tests.support.publications import make_publication


def rendition(edges: list[int], *, gap: int = 0) -> Rendition:
    """A file whose parts end at the edges, with `gap` bytes of nothing at its end."""
    spans = [ByteSpan(a, b) for a, b in zip([0, *edges], edges, strict=False)]
    segments = tuple(Segment(span, 0, 1) for span in spans[2:])
    return Rendition(
        name="x",
        tier="standard",
        codec=Codec.AAC,
        codecs="mp4a.40.2",
        timescale=44100,
        sample_rate_hz=44100,
        channels=2,
        bit_depth=None,
        trim=Trim(0, 1, 0),
        init=spans[0],
        sidx=spans[1],
        segments=segments,
        size=edges[-1] + gap,
        sha256="0" * 64,
    )


EDGES = st.lists(st.integers(1, 5000), min_size=3, max_size=12, unique=True).map(sorted)


@given(EDGES, st.integers(0, 3 << 20), st.data())
def test_pieces_cover_every_range_without_overlap(
    edges: list[int], gap: int, data: st.DataObject
) -> None:
    one = rendition(edges, gap=gap)
    layout = Layout.of(one)
    assert layout.pieces[0].start == 0
    assert layout.pieces[-1].end == one.size
    assert all(a.end == b.start for a, b in zip(layout.pieces, layout.pieces[1:], strict=False))
    start = data.draw(st.integers(0, one.size - 1))
    end = data.draw(st.integers(start + 1, one.size))
    covering = layout.covering(start, end)
    assert covering[0].start <= start < covering[0].end
    assert covering[-1].start < end <= covering[-1].end
    assert all(segment.span in layout.pieces for segment in one.segments)


async def test_what_is_in_use_is_looked_up_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{tmp_path}/catalog.db")
    async with catalog.begin() as tx:
        for name in "abc":
            await publish.publish(tx, make_publication(name), datetime.now(UTC))
    now, looks = 1000.0, 0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    connect = catalog.connect

    @asynccontextmanager
    async def counted(*, fresh: bool = False) -> AsyncIterator[Tx]:
        nonlocal looks
        looks += 1
        async with connect(fresh=fresh) as tx:
            yield tx

    monkeypatch.setattr(catalog, "connect", counted)
    availability = Availability(catalog, Outage(0))

    async def ask(*names: str) -> list[bool]:
        found = await asyncio.gather(*(availability.rights("t" + name * 20) for name in names))
        return [rights.published for rights in found]

    assert await ask("a", "b", "c", "d") == [True, True, True, False]
    assert looks == 1
    now += packages._STATUS_TTL_S * 0.9
    assert await ask("a", "b") == [True, True]
    assert looks == 1
    async with catalog.begin() as tx:
        await publish.unpublish(tx, "t" + "b" * 20, datetime.now(UTC))
    now += packages._STATUS_TTL_S * 0.2
    assert await ask("a") == [True]
    assert await ask("b") == [False]
    assert looks == 2
    assert await ask("c") == [True]  # nobody had asked for it lately
    assert looks == 3
    await availability.close()
    monkeypatch.undo()
    await catalog.close()
