from __future__ import annotations

from dataclasses import replace

import pytest

from packager.model import Codec, Kid, Package, Scheme
from tests.packager.conftest import Encode
from tests.packager.packages import package, write


@pytest.fixture
def whole(encode: Encode) -> Package:
    return package(
        write(encode("aac"))[0],
        write(encode("aac"), name="aac-320k", tier="premium")[0],
        write(encode("opus"), name="opus-96k")[0],
        write(encode("flac"), name="flac", tier="lossless")[0],
    )


def names(one: Package) -> set[str]:
    return {rendition.name for rendition in one.renditions}


def test_no_filter_keeps_everything(whole: Package) -> None:
    assert whole.only() == whole


def test_filters_by_tier_codec_and_bandwidth(whole: Package) -> None:
    slowest = min(one.peak_bps for one in whole.renditions)

    assert names(whole.only({"standard"})) == {"aac-128k", "opus-96k"}
    assert names(whole.only(codecs={Codec.AAC})) == {"aac-128k", "aac-320k"}
    assert names(whole.only({"standard"}, codecs={Codec.OPUS, Codec.FLAC})) == {"opus-96k"}
    assert names(whole.only(max_bps=slowest)) == {
        one.name for one in whole.renditions if one.peak_bps == slowest
    }
    assert names(whole.only(max_bps=slowest - 1)) == set()


def test_the_rest_of_a_package_stays(whole: Package) -> None:
    filtered = whole.only({"standard"})

    assert (filtered.track_id, filtered.revision) == (whole.track_id, whole.revision)
    assert (filtered.title, filtered.loudness) == (whole.title, whole.loudness)


def test_second_files_are_found_by_their_own_names(encode: Encode) -> None:
    second, _ = write(encode("aac"), name="aac-128k-aes128", scheme=Scheme.AES_128)
    first, _ = write(encode("aac"), scheme=Scheme.CBCS)
    one = package(replace(first, aes128=second))

    assert [file.name for file in one.files()] == ["aac-128k", "aac-128k-aes128"]
    assert one.rendition("aac-128k-aes128") == second
    assert one.rendition("nothing") is None


@pytest.mark.parametrize("value", [b"", bytes(15), bytes(17)])
def test_a_kid_is_16_bytes(value: bytes) -> None:
    with pytest.raises(ValueError, match="a KID is 16 bytes"):
        Kid(value)


def test_a_kid_is_written_like_a_uuid() -> None:
    text = "9eb4050d-e44b-4802-932e-27d75083e266"

    assert str(Kid.parse(text)) == text
    assert Kid.parse(text).hex == text.replace("-", "")
