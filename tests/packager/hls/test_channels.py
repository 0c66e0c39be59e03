"""CHANNELS and groups of what is more than stereo. RFC 8216bis, 4.4.6.1."""

from __future__ import annotations

from dataclasses import replace

from packager.hls.render import multivariant
from packager.model import Codec
from tests.packager.conftest import Encode
from tests.packager.packages import package, write


def test_atmos_counts_objects_and_has_a_group_of_its_own(encode: Encode) -> None:
    """shaka-packager#753, #313: 16/JOC, beside the same channels without objects."""
    stereo, _ = write(encode("aac"))
    surround = replace(
        stereo, name="ddp", codec=Codec.EC3, codecs="ec-3", channels=6, channel_configuration=6
    )
    atmos = replace(surround, name="atmos", joc_complexity=16)

    lines = multivariant(package(stereo, surround, atmos)).splitlines()

    groups = [line for line in lines if line.startswith("#EXT-X-MEDIA:")]
    assert [line.partition("CHANNELS=")[2].split(",")[0] for line in groups] == [
        '"2"',
        '"16/JOC"',
        '"6"',
    ]
    assert len({line.partition("GROUP-ID=")[2].split(",")[0] for line in groups}) == 3


def test_he_aac_is_no_neighbor_of_aac_lc(encode: Encode) -> None:
    low, _ = write(encode("aac"), name="low")
    high, _ = write(encode("aac"), name="high")

    text = multivariant(package(replace(low, codecs="mp4a.40.29"), high))

    assert 'AUDIO="heaacv2-44100-2ch"' in text
    assert 'AUDIO="aac-44100-2ch"' in text
