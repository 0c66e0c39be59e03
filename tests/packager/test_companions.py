from __future__ import annotations

import json

import pytest

from packager import index
from packager.errors import MalformedMedia
from packager.model import Package
from tests.packager.conftest import Encode
from tests.packager.packages import package, write
from tests.packager.text.packages import with_companions


@pytest.fixture
def one(encode: Encode) -> Package:
    return with_companions(write(encode("aac"))[0])


def test_they_are_read_back(one: Package) -> None:
    assert index.decode(index.encode(one)) == one


def test_an_index_without_them_does_not_speak_of_them(encode: Encode) -> None:
    bare = package(write(encode("aac"))[0])
    assert not {"lyrics", "pictures", "downloads"} & set(json.loads(index.encode(bare)))
    assert index.decode(index.encode(bare)) == bare


def test_digests_of_downloads_are_beside_them_and_may_be_missing(one: Package) -> None:
    document = json.loads(index.encode(one))
    assert not any("digests" in download for download in document["downloads"])
    del document["download_digests"]  # as it was written before there were any
    read = index.decode(json.dumps(document).encode())
    assert [download.digests for download in read.downloads] == [b"", b""]


def test_damaged_ones_are_malformed(one: Package) -> None:
    for old, new in (
        (b'"kind":"vtt"', b'"kind":"gif"'),
        (b'"language"', b'"tongue"'),
        (b'"width"', b'"breadth"'),
        (b'"tier":"standard","ending"', b'"ending"'),
    ):
        with pytest.raises(MalformedMedia):
            index.decode(index.encode(one).replace(old, new, 1))


def test_downloads_are_of_a_tier_lyrics_and_pictures_are_everybodys(one: Package) -> None:
    other = one.only({"lossless"})
    assert (other.downloads, other.lyrics, other.pictures) == ((), one.lyrics, one.pictures)
