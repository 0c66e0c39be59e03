from __future__ import annotations

from dataclasses import replace

import pytest

from packager.dash.channels import CICP, COUNT, DOLBY, configuration, joint_object_coding
from packager.model import Codec
from tests.packager.conftest import Encode
from tests.packager.packages import write


@pytest.mark.parametrize(
    ("codec", "channels", "layout", "wanted"),
    [
        (Codec.AAC, 2, 2, (CICP, "2")),
        (Codec.FLAC, 8, 12, (CICP, "12")),
        (Codec.AAC, 2, None, (CICP, "2")),  # an index of before there were layouts
        (Codec.OPUS, 11, None, (COUNT, "11")),  # ambisonics
        (Codec.AC3, 6, 6, (DOLBY, "F801")),
        (Codec.EC3, 8, 12, (DOLBY, "FA01")),
        (Codec.EC3, 2, 2, (DOLBY, "A000")),
    ],
)
def test_channel_configurations(
    encode: Encode, codec: Codec, channels: int, layout: int | None, wanted: tuple[str, str]
) -> None:
    rendition, _ = write(encode("aac"))

    one = replace(rendition, codec=codec, channels=channels, channel_configuration=layout)

    assert configuration(one) == wanted


def test_dolby_atmos_is_a_pair_of_properties(encode: Encode) -> None:
    rendition, _ = write(encode("aac"))

    assert joint_object_coding(rendition) == ()
    assert joint_object_coding(replace(rendition, joc_complexity=16)) == (
        ("tag:dolby.com,2018:dash:EC3_ExtensionType:2018", "JOC"),
        ("tag:dolby.com,2018:dash:EC3_ExtensionComplexityIndex:2018", "16"),
    )
