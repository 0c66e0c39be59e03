"""RFC 9110, clause 14, as a table, and against a small model of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.ranges import MAX_RANGES, Part, Selection, Unsatisfiable, Whole, select

ETAG = '"abc"'
WHOLE, NONE = Whole(), Unsatisfiable()

# Range field, size of the representation, what is sent
CASES: list[tuple[str, int, Selection]] = [
    # int-range: 14.1.2
    ("bytes=0-9", 100, Part(0, 10)),
    ("bytes=0-0", 100, Part(0, 1)),
    ("bytes=99-99", 100, Part(99, 100)),
    ("bytes=10-19", 100, Part(10, 20)),
    ("bytes=0-99", 100, Part(0, 100)),
    ("bytes=0-", 100, Part(0, 100)),
    ("bytes=50-", 100, Part(50, 100)),
    ("bytes=99-", 100, Part(99, 100)),
    ("bytes=90-999", 100, Part(90, 100)),
    ("bytes=0-100", 100, Part(0, 100)),
    ("bytes=000-009", 100, Part(0, 10)),
    ("bytes=0-99999999999999999999999999", 100, Part(0, 100)),
    # beyond the end: 15.5.17
    ("bytes=100-", 100, NONE),
    ("bytes=100-200", 100, NONE),
    ("bytes=101-", 100, NONE),
    ("bytes=99999999999999999999999999-", 100, NONE),
    # suffix-range
    ("bytes=-1", 100, Part(99, 100)),
    ("bytes=-10", 100, Part(90, 100)),
    ("bytes=-100", 100, Part(0, 100)),
    ("bytes=-101", 100, Part(0, 100)),
    ("bytes=-99999999999999999999999999", 100, Part(0, 100)),
    ("bytes=-0", 100, NONE),
    ("bytes=-000", 100, NONE),
    # an empty representation
    ("bytes=0-", 0, NONE),
    ("bytes=0-0", 0, NONE),
    ("bytes=-1", 0, WHOLE),
    ("bytes=-0", 0, NONE),
    # one byte
    ("bytes=0-", 1, Part(0, 1)),
    ("bytes=-1", 1, Part(0, 1)),
    ("bytes=1-", 1, NONE),
    # invalid sets are ignored
    ("bytes=5-2", 100, WHOLE),
    ("bytes=1-0", 100, WHOLE),
    ("bytes=", 100, WHOLE),
    ("bytes=-", 100, WHOLE),
    ("bytes=--1", 100, WHOLE),
    ("bytes=-1-", 100, WHOLE),
    ("bytes=1", 100, WHOLE),
    ("bytes=a-b", 100, WHOLE),
    ("bytes=0x1-0x2", 100, WHOLE),
    ("bytes=+1-2", 100, WHOLE),
    ("bytes=1.0-2", 100, WHOLE),
    ("bytes=1 -2", 100, WHOLE),
    ("bytes=1- 2", 100, WHOLE),
    ("bytes=1-2-3", 100, WHOLE),
    ("bytes=\u0661-\u0662", 100, WHOLE),  # digits, but not ASCII ones
    ("bytes=\u00b2-", 100, WHOLE),
    ("bytes=0-1,x", 100, WHOLE),
    ("bytes=0-1,5-2", 100, WHOLE),
    ("bytes=0-1;5-6", 100, WHOLE),
    ("bytes 0-1", 100, WHOLE),
    ("bytes", 100, WHOLE),
    ("", 100, WHOLE),
    ("=0-1", 100, WHOLE),
    ("0-1", 100, WHOLE),
    ("bytes=0-1, bytes=2-3", 100, WHOLE),
    # units: unknown ones are ignored, names have no case
    ("items=0-1", 100, WHOLE),
    ("none", 100, WHOLE),
    ("byte=0-1", 100, WHOLE),
    ("seconds=1-2", 100, WHOLE),
    ("BYTES=0-1", 100, Part(0, 2)),
    ("Bytes=-1", 100, Part(99, 100)),
    # list syntax: 5.6.1
    ("bytes= 0-1", 100, Part(0, 2)),
    ("bytes=0-1 ", 100, Part(0, 2)),
    ("bytes=,0-1,", 100, Part(0, 2)),
    ("bytes=, ,\t,0-1", 100, Part(0, 2)),
    ("bytes=,", 100, WHOLE),
    # several: one span if they join, else the whole
    ("bytes=0-1,2-3", 100, Part(0, 4)),
    ("bytes=2-3,0-1", 100, Part(0, 4)),
    ("bytes=0-5,3-9", 100, Part(0, 10)),
    ("bytes=0-9,2-3", 100, Part(0, 10)),
    ("bytes=0-0,-1", 1, Part(0, 1)),
    ("bytes=0-49,-50", 100, Part(0, 100)),
    ("bytes=0-1,5-6", 100, WHOLE),
    ("bytes=0-0,-1", 100, WHOLE),
    ("bytes=0-1,200-", 100, Part(0, 2)),
    ("bytes=200-,-0", 100, NONE),
    ("bytes=200-,300-", 100, NONE),
    ("bytes=" + ",".join(["0-1"] * MAX_RANGES), 100, Part(0, 2)),
    ("bytes=" + ",".join(["0-1"] * (MAX_RANGES + 1)), 100, WHOLE),
    ("bytes=" + "0-," * 4000, 100, WHOLE),
]


@pytest.mark.parametrize(("field", "size", "expected"), CASES)
def test_what_a_get_is_sent(field: str, size: int, expected: Selection) -> None:
    assert select("GET", field, None, etag=ETAG, size=size) == expected


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "get"])
def test_range_is_for_get_only(method: str) -> None:
    assert select(method, "bytes=0-9", None, etag=ETAG, size=100) == WHOLE


def test_without_a_range_the_whole_is_sent() -> None:
    assert select("GET", None, None, etag=ETAG, size=100) == WHOLE
    assert select("GET", None, ETAG, etag=ETAG, size=100) == WHOLE


@pytest.mark.parametrize(
    ("if_range", "holds"),
    [
        (ETAG, True),
        (f" {ETAG}\t", True),
        ('"stale"', False),
        ('"ABC"', False),
        (f"W/{ETAG}", False),
        ("abc", False),
        ("*", False),
        (f'{ETAG}, "other"', False),
        ("Fri, 21 Nov 2025 00:00:00 GMT", False),
        ("", False),
    ],
)
def test_if_range_compares_strongly(if_range: str, *, holds: bool) -> None:
    expected = Part(0, 10) if holds else WHOLE
    assert select("GET", "bytes=0-9", if_range, etag=ETAG, size=100) == expected


def test_a_weak_tag_of_our_own_would_never_match() -> None:
    assert select("GET", "bytes=0-9", 'W/"abc"', etag='"abc"', size=100) == WHOLE


def test_a_stale_if_range_hides_even_what_cannot_be_satisfied() -> None:
    assert select("GET", "bytes=500-", '"stale"', etag=ETAG, size=100) == WHOLE


def test_content_range_is_inclusive() -> None:
    assert Part(0, 10).content_range(100) == "bytes 0-9/100"


SPECS = st.one_of(
    st.tuples(st.integers(0, 30), st.none()),
    st.tuples(st.integers(0, 30), st.integers(0, 30)),
    st.tuples(st.none(), st.integers(0, 30)),
)


def model(specs: list[tuple[int | None, int | None]], size: int) -> Selection:
    """The positions that are asked for, as a set: what the RFC says, without any arithmetic."""
    positions: set[int] = set()
    satisfiable = False
    for first, last in specs:
        if first is not None and last is not None and last < first:
            return WHOLE
        everything = range(size)
        if first is None:
            assert last is not None
            chosen = set(everything[-last:] if last else [])
            satisfiable = satisfiable or last > 0
        else:
            chosen = {at for at in everything if at >= first and (last is None or at <= last)}
            satisfiable = satisfiable or first < size
        positions |= chosen
    if not satisfiable:
        return NONE
    if not positions or len(positions) != max(positions) - min(positions) + 1:
        return WHOLE
    return Part(min(positions), max(positions) + 1)


@given(st.lists(SPECS, min_size=1, max_size=MAX_RANGES), st.integers(0, 24))
def test_like_the_model(specs: list[tuple[int | None, int | None]], size: int) -> None:
    field = ",".join(
        f"{'' if first is None else first}-{'' if last is None else last}" for first, last in specs
    )
    assert select("GET", f"bytes={field}", None, etag=ETAG, size=size) == model(specs, size)


@given(st.text(max_size=40), st.integers(0, 100))
def test_any_text_gives_a_selection_inside_the_representation(text: str, size: int) -> None:
    for field in (text, f"bytes={text}"):
        selection = select("GET", field, None, etag=ETAG, size=size)
        if isinstance(selection, Part):
            assert 0 <= selection.start < selection.end <= size
