"""AC-3 and E-AC-3: what `dac3` and `dec3` say. ETSI TS 102 366 V1.4.1, Annex F."""

from __future__ import annotations

from packager.boxes.dolby import Ac3SpecificBox, Ec3SpecificBox
from packager.boxes.entries import AudioSampleEntry
from packager.codecs.entry import config_box
from packager.errors import MalformedMedia
from packager.model import Codec, CodecConfig

FRAME = 1536  # samples of an access unit: six blocks of 256
RATES = (48000, 44100, 32000)  # by fscod

# Channel locations as bits of a custom channel map, table E.1.4; a pair is one bit.
_L, _C, _R, _LS, _RS, _LC_RC = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800, 0x0400
_LRS_RRS, _CS, _LW_RW, _LVH_RVH, _LTS_RTS = 0x0200, 0x0100, 0x0020, 0x0010, 0x0004
_LFE2, _LFE = 0x0002, 0x0001
_PAIRS = _LC_RC | _LRS_RRS | 0x0040 | _LW_RW | _LVH_RVH | _LTS_RTS
# acmod -> locations, table 4.3; one surround channel is the center one (Annex I).
_ACMOD = (
    _L | _R,  # dual mono
    _C,
    _L | _R,
    _L | _C | _R,
    _L | _R | _CS,
    _L | _C | _R | _CS,
    _L | _R | _LS | _RS,
    _L | _C | _R | _LS | _RS,
)
_5_1 = _ACMOD[7] | _LFE
# Locations -> ChannelConfiguration of ISO/IEC 23091-3, TS 102 366 table I.1.1.
_LAYOUTS = {
    _ACMOD[1]: 1,
    _ACMOD[2]: 2,
    _ACMOD[3]: 3,
    _ACMOD[5]: 4,
    _ACMOD[7]: 5,
    _5_1: 6,
    _5_1 | _LC_RC: 7,
    _5_1 | _LW_RW: 7,
    _ACMOD[4]: 9,
    _ACMOD[6]: 10,
    _5_1 | _CS: 11,
    _5_1 | _LRS_RRS: 12,
    _5_1 | _LVH_RVH: 14,
    _5_1 | _LVH_RVH | _LTS_RTS: 16,
}


def channel_map(acmod: int, lfeon: int, chan_loc: int = 0) -> int:
    """The locations of a program and its dependent substreams. F.6.2.13, table F.6.1."""
    found = _ACMOD[acmod] | lfeon * _LFE
    for bit in range(8):
        if chan_loc >> bit & 1:
            found |= _LC_RC >> bit
    return found | _LFE2 if chan_loc >> 8 & 1 else found


def chan_loc(chanmap: int) -> int:
    """The bits of table F.6.1 for a dependent substream's custom channel map."""
    found = sum(bool(chanmap & _LC_RC >> bit) << bit for bit in range(8))
    return found | bool(chanmap & _LFE2) << 8


def _channels(locations: int) -> int:
    return locations.bit_count() + (locations & _PAIRS).bit_count()


def read_ac3_config(entry: AudioSampleEntry) -> CodecConfig:
    """Configuration of an `ac-3` entry, whose own channel count means nothing."""
    return from_dac3(config_box(entry, Ac3SpecificBox))


def from_dac3(box: Ac3SpecificBox) -> CodecConfig:
    """Configuration of AC-3; MalformedMedia for a reserved rate."""
    return _config(Codec.AC3, box.encode(), box.fscod, channel_map(box.acmod, box.lfeon))


def read_ec3_config(entry: AudioSampleEntry) -> CodecConfig:
    """Configuration of an `ec-3` entry, whose own channel count means nothing."""
    return from_dec3(config_box(entry, Ec3SpecificBox))


def from_dec3(box: Ec3SpecificBox) -> CodecConfig:
    """Configuration of E-AC-3: the first program is what a player plays."""
    main = box.substreams[0]
    locations = channel_map(main.acmod, main.lfeon, main.chan_loc)
    return _config(Codec.EC3, box.encode(), main.fscod, locations, box.complexity_index)


def _config(
    codec: Codec, box: bytes, fscod: int, locations: int, complexity: int | None = None
) -> CodecConfig:
    if fscod >= len(RATES):
        raise MalformedMedia("the sampling rate is reserved", path=f"stsd/{codec.value}")
    return CodecConfig(
        codec=codec,
        codecs=codec.value,
        sample_entry=codec.value,
        config_box=box,
        timescale=RATES[fscod],
        sample_rate_hz=RATES[fscod],
        channels=_channels(locations),
        bit_depth=None,
        frame_ticks=FRAME,
        channel_configuration=_LAYOUTS.get(locations),
        joc_complexity=complexity,
    )
