from __future__ import annotations

import hashlib
import struct
import zlib

import pytest

from pipeline.cover import BadCover, check_cover
from tests.support.masters import picture

MAX = 1 << 20


@pytest.mark.parametrize(("form", "ending"), [("JPEG", "jpg"), ("PNG", "png")])
def test_a_good_picture_is_named_by_its_content(form: str, ending: str) -> None:
    data = picture(80, 60, form)
    cover = check_cover(data, MAX)
    assert (cover.ending, cover.width, cover.height) == (ending, 80, 60)
    assert cover.sha256 == hashlib.sha256(data).hexdigest()
    assert "data" not in repr(cover)


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims a huge picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"no picture at all", "cannot be read"),
        (picture()[:-200], "cannot be read"),
        (picture(form="GIF"), "cannot be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read"),
        (bomb(7_000, 6_000), "larger than"),
        (bomb(100_000, 100_000), "larger than"),
        (picture() + bytes(MAX), "bytes"),
    ],
)
def test_a_bad_picture_is_refused(data: bytes, cause: str) -> None:
    with pytest.raises(BadCover, match=cause):
        check_cover(data, MAX)
