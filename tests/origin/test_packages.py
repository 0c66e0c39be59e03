"""A track file as pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from origin.packages import Layout
from packager.model import ByteSpan, Codec, Rendition, Segment, Trim


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
