from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from pipeline import bounded
from pipeline.bounded import BoundedFile, TagsTooLarge, unpack
from pipeline.tags import read_tags
from tests.support import masters


def test_it_reads_as_a_file_does(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        one = BoundedFile(file)
        assert (one.read(3), one.tell(), one.seek(-2, 2), one.read()) == (b"012", 3, 8, b"89")


def test_more_than_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_BYTES", 10)
    path = tmp_path / "a"
    path.write_bytes(b"0123456789a")
    with path.open("rb") as file:
        assert BoundedFile(file).read(10) == b"0123456789"
        for size in (-1, 1 << 40):
            file.seek(0)
            with pytest.raises(TagsTooLarge):
                BoundedFile(file).read(size)


def test_what_unpacks_without_end_is_refused() -> None:
    assert unpack(zlib.compress(b"A" * 1000)) == b"A" * 1000
    with pytest.raises(TagsTooLarge):
        unpack(zlib.compress(b"A" * (17 << 20)))
    with pytest.raises(zlib.error):
        unpack(b"nothing")


def test_a_compressed_bomb_in_a_tag_is_a_warning(tmp_path: Path) -> None:
    packed = zlib.compress(b"\3" + b"A" * (100 << 20), 9)
    sizes = [(len(packed) + 4, (21, 14, 7, 0)), (0, (21, 14, 7, 0))]
    frame = b"TIT2" + bytes(sizes[0][0] >> shift & 0x7F for shift in sizes[0][1])
    frame += b"\0\x09" + bytes(4) + packed
    tag = b"ID3\x04\0\0" + bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0)) + frame
    path = masters.wav(tmp_path / "a.wav", masters.music(0.1))
    path.write_bytes(path.read_bytes() + b"id3 " + len(tag).to_bytes(4, "little") + tag)
    tags = read_tags(path, {})
    assert tags.title is None
