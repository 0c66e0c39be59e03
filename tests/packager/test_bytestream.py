from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packager.bytestream import BitReader, ByteReader, ByteWriter, pack_bits
from packager.errors import MalformedMedia


@given(st.lists(st.integers(0, 2**32 - 1)), st.integers(-(2**31), 2**31 - 1), st.binary())
def test_what_is_written_is_read_back(values: list[int], signed: int, tail: bytes) -> None:
    writer = ByteWriter()
    writer.uint(len(values), 4)
    writer.column(array("I", values), 4)
    writer.sint(signed, 4)
    writer.data(tail)

    reader = ByteReader(bytes(writer))

    assert list(reader.column(reader.uint(4), 4)) == values
    assert reader.sint(4) == signed
    assert reader.rest() == tail
    reader.finish()


def test_a_count_is_checked_before_anything_is_allocated() -> None:
    reader = ByteReader(b"\xff" * 8, path="stsz", base=100)

    with pytest.raises(MalformedMedia, match=r"stsz: .* do not fit .* \(at byte 104\)"):
        reader.column(reader.uint(4), 8)


def test_an_inner_reader_keeps_path_and_offset() -> None:
    outer = ByteReader(b"\0" * 20, path="moov", base=1000)
    outer.take(8)
    inner = outer.inner(4, name="trak")
    inner.take(4)

    with pytest.raises(MalformedMedia) as caught:
        inner.uint(1)

    assert caught.value.path == "moov/trak"
    assert caught.value.offset == 1012
    assert outer.remaining == 8


def test_bytes_after_the_last_field_are_refused() -> None:
    with pytest.raises(MalformedMedia, match="1 bytes after the last field"):
        ByteReader(b"x").finish()


def test_values_that_do_not_fit_are_the_callers_mistake() -> None:
    writer = ByteWriter()
    for width, value in ((1, 256), (2, -1)):
        with pytest.raises(ValueError, match="does not fit"):
            writer.uint(value, width)
    with pytest.raises(ValueError, match="does not fit"):
        writer.sint(128, 1)


@given(
    st.lists(st.integers(1, 24).flatmap(lambda w: st.tuples(st.integers(0, 2**w - 1), st.just(w))))
)
def test_bit_fields_are_read_back(fields: list[tuple[int, int]]) -> None:
    reader = BitReader(pack_bits(*fields))

    assert [reader.bits(width) for _, width in fields] == [value for value, _ in fields]


def test_bits_past_the_end_are_refused() -> None:
    with pytest.raises(MalformedMedia, match="needs 9 bits, 8 are left"):
        BitReader(b"\0").bits(9)
    with pytest.raises(ValueError, match="does not fit into 2 bits"):
        pack_bits((4, 2))
