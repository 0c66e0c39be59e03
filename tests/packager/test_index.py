from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from origin.packages import Layout
from packager import index
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import Loudness, Package, Scheme
from tests.packager.conftest import Encode
from tests.packager.packages import package, write


@pytest.fixture
def one(encode: Encode) -> Package:
    renditions = [
        write(encode("aac"), scheme=Scheme.CBCS)[0],
        write(encode("opus"), name="opus-96k", scheme=Scheme.CENC)[0],
        write(encode("flac"), name="flac", tier="lossless")[0],
    ]
    return package(*renditions)


def test_a_package_is_read_back(one: Package) -> None:
    assert index.decode(index.encode(one)) == one


def test_album_loudness_is_kept_where_it_is_known(one: Package) -> None:
    known = replace(one, album_loudness=Loudness(-13.9, None, 0.2))

    assert index.decode(index.encode(known)) == known


def test_silence_has_no_loudness(one: Package) -> None:
    silent = replace(one, loudness=None)

    assert index.decode(index.encode(silent)) == silent


def test_an_index_without_album_loudness_is_read(one: Package) -> None:
    document = json.loads(index.encode(one))
    del document["album_loudness"]

    assert index.decode(json.dumps(document).encode()) == one


def test_the_key_is_not_in_it(one: Package) -> None:
    assert b"00112233" not in index.encode(one)


def test_a_later_format_is_refused(one: Package) -> None:
    later = index.encode(one).replace(b'"format":1', b'"format":2')

    with pytest.raises(UnsupportedMedia, match="a package index of format 2"):
        index.decode(later)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format":1,"loudness":3}', b"1"])
def test_anything_else_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMedia, match=r"package\.json: not a package index"):
        index.decode(data)


def test_each_part_of_a_file_is_known_by_its_digest(encode: Encode) -> None:
    for scheme in (Scheme.CBCS, Scheme.AES_128):
        rendition, data = write(encode("aac"), scheme=scheme)
        spans = [rendition.init, rendition.sidx, *(one.span for one in rendition.segments)]
        parts = [data[one.start : one.end] for one in spans if one.size]
        wanted = b"".join(hashlib.sha256(part).digest()[:16] for part in parts)
        assert rendition.digests == wanted
        read = index.decode(index.encode(package(rendition))).renditions[0]
        assert read.digests == wanted
        assert Layout.of(read).digests == wanted


def test_an_index_without_digests_is_read(one: Package) -> None:
    document = json.loads(index.encode(one))
    for rendition in document["renditions"]:
        del rendition["digests"]

    read = index.decode(json.dumps(document).encode())

    assert [one.digests for one in read.renditions] == [b"", b"", b""]
