"""How an AdaptationSet says what its channels are. ISO/IEC 23009-1:2022, 5.8.5.4."""

from __future__ import annotations

from packager.model import Codec, Rendition

CICP = "urn:mpeg:mpegB:cicp:ChannelConfiguration"  # ISO/IEC 23091-3, 6.1
COUNT = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"  # a number of channels
DOLBY = "tag:dolby.com,2014:dash:audio_channel_configuration:2011"  # ETSI TS 102 366, I.1.2
_JOC = "tag:dolby.com,2018:dash:EC3_Extension{}:2018"  # ETSI TS 103 420, D.2

_PLAIN = {1: 1, 2: 2}  # what a channel count means in indexes of before there were layouts
# ChannelConfiguration -> the channel map of E-AC-3, table E.1.4: L is the highest bit, LFE the
# lowest.
_DOLBY_MAPS = {
    1: 0x4000,
    2: 0xA000,
    3: 0xE000,
    4: 0xE100,
    5: 0xF800,
    6: 0xF801,
    7: 0xFC01,
    9: 0xA100,
    10: 0xB800,
    11: 0xF901,
    12: 0xFA01,
    14: 0xF811,
    16: 0xF815,
}

Descriptor = tuple[str, str]  # schemeIdUri, value


def configuration(one: Rendition) -> Descriptor:
    """The AudioChannelConfiguration: Dolby's for its own codings, else MPEG's number."""
    layout = one.channel_configuration or _PLAIN.get(one.channels)
    if one.codec in {Codec.AC3, Codec.EC3} and layout in _DOLBY_MAPS:
        return DOLBY, f"{_DOLBY_MAPS[layout]:04X}"
    if layout is None:
        return COUNT, str(one.channels)
    return CICP, str(layout)


def joint_object_coding(one: Rendition) -> tuple[Descriptor, ...]:
    """The SupplementalProperty pair of Dolby Atmos in E-AC-3; nothing without it."""
    if one.joc_complexity is None:
        return ()
    index = str(one.joc_complexity)
    return (_JOC.format("Type"), "JOC"), (_JOC.format("ComplexityIndex"), index)
