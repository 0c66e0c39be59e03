"""Headers of AC-3 and E-AC-3 frames. ETSI TS 102 366 V1.4.1, 4.3 and Annex E."""

from __future__ import annotations

from dataclasses import dataclass

from packager.bytestream import BitReader
from packager.codecs.ac3 import RATES
from packager.errors import MalformedMedia, UnsupportedMedia

HEADER = 8  # bytes from which the size of a frame is known
BSI = 160  # bytes that hold any bit stream information
_SYNC = b"\x0b\x77"
_MAX_AC3, _EC3 = 8, 16  # bsid
# Table 4.13, kbit/s by half of frmsizecod
_BIT_RATES = (
    32,
    40,
    48,
    56,
    64,
    80,
    96,
    112,
    128,
    160,
    192,
    224,
    256,
    320,
    384,
    448,
    512,
    576,
    640,
)
_BLOCKS = (1, 2, 3, 6)  # by numblkscod, E.1.3.1.4
INDEPENDENT, DEPENDENT, CONVERTED = 0, 1, 2  # strmtyp, table E.1.1


@dataclass(frozen=True, slots=True)
class SyncFrame:
    """What a frame says of itself."""

    enhanced: bool  # E-AC-3
    stream_type: int
    substream: int
    size: int  # bytes
    fscod: int
    blocks: int  # of 256 samples
    bsid: int
    bsmod: int
    acmod: int
    lfeon: int
    bit_rate_code: int = 0  # AC-3 only
    channel_map: int | None = None  # of a dependent substream, table E.1.4
    complexity_index: int | None = None  # ETSI TS 103 420, 8.3.2


def parse(data: bytes, offset: int) -> SyncFrame:
    """Read the start of a frame (`BSI` bytes will do); MalformedMedia where there is none."""
    if len(data) < HEADER or data[:2] != _SYNC:
        raise MalformedMedia("no frame begins here", path="AC-3", offset=offset)
    bsid = data[5] >> 3
    bits = BitReader(data, path="AC-3")
    bits.bits(16)
    if bsid <= _MAX_AC3:
        return _ac3(bits, bsid, offset)
    if bsid == _EC3:
        return _ec3(bits, offset)
    raise UnsupportedMedia(f"AC-3 of bit stream version {bsid}")


def _ac3(bits: BitReader, bsid: int, offset: int) -> SyncFrame:
    """Syncinfo and bsi, 4.3.1 and 4.3.2, as far as lfeon."""
    bits.bits(16)  # crc1
    fscod, size_code = bits.bits(2), bits.bits(6)
    if fscod >= len(RATES) or size_code >> 1 >= len(_BIT_RATES):
        raise MalformedMedia("rate or size is reserved", path="AC-3", offset=offset)
    bits.bits(5)
    bsmod, acmod = bits.bits(3), bits.bits(3)
    if acmod & 1 and acmod != 1:
        bits.bits(2)  # cmixlev
    if acmod & 4:
        bits.bits(2)  # surmixlev
    if acmod == 2:
        bits.bits(2)  # dsurmod
    rate = _BIT_RATES[size_code >> 1]
    words = rate * 96000 // RATES[fscod]
    if fscod == 1:  # 44.1 kHz: frames of two sizes take turns
        words += size_code & 1
    return SyncFrame(
        enhanced=False,
        stream_type=INDEPENDENT,
        substream=0,
        size=2 * words,
        fscod=fscod,
        blocks=6,
        bsid=bsid,
        bsmod=bsmod,
        acmod=acmod,
        lfeon=bits.bits(1),
        bit_rate_code=size_code >> 1,
    )


def _ec3(bits: BitReader, offset: int) -> SyncFrame:
    """Bit stream information of E-AC-3, E.1.2.2, to its end: the mark of JOC is the last of it."""
    stream_type, substream, words = bits.bits(2), bits.bits(3), bits.bits(11) + 1
    fscod, blocks_code = bits.bits(2), bits.bits(2)
    if fscod >= len(RATES):
        raise UnsupportedMedia("E-AC-3 at half a sampling rate")
    if stream_type > CONVERTED or 2 * words < HEADER:
        raise MalformedMedia("type or size is reserved", path="E-AC-3", offset=offset)
    acmod, lfeon, bsid = bits.bits(3), bits.bits(1), bits.bits(5)
    for _ in range(1 if acmod else 2):
        bits.bits(5)  # dialnorm
        bits.bits(8 * bits.bits(1))  # compr
    channel_map = None
    if stream_type == DEPENDENT and bits.bits(1):
        channel_map = bits.bits(16)
    if bits.bits(1):
        _mixing(bits, stream_type, acmod, lfeon, blocks_code)
    bsmod = _information(bits, acmod) if bits.bits(1) else 0
    if stream_type == INDEPENDENT and blocks_code != 3:
        bits.bits(1)  # convsync
    if stream_type == CONVERTED and (blocks_code == 3 or bits.bits(1)):
        bits.bits(6)  # frmsizecod
    return SyncFrame(
        enhanced=True,
        stream_type=stream_type,
        substream=substream,
        size=2 * words,
        fscod=fscod,
        blocks=_BLOCKS[blocks_code],
        bsid=bsid,
        bsmod=bsmod,
        acmod=acmod,
        lfeon=lfeon,
        channel_map=channel_map,
        complexity_index=_complexity(bits),
    )


def _mixing(bits: BitReader, stream_type: int, acmod: int, lfeon: int, blocks_code: int) -> None:
    """Mixing metadata, passed over. E.1.2.2, from mixmdate on."""
    if acmod > 2:
        bits.bits(2)  # dmixmod
        if acmod & 1:
            bits.bits(6)  # ltrtcmixlev, lorocmixlev
    if acmod & 4:
        bits.bits(6)  # ltrtsurmixlev, lorosurmixlev
    if lfeon:
        bits.bits(5 * bits.bits(1))  # lfemixlevcod
    if stream_type == INDEPENDENT:
        _program_mixing(bits, acmod)
        if bits.bits(1):  # frmmixcfginfoe
            for _ in range(_BLOCKS[blocks_code]):
                # One block alone always has its blkmixcfginfo.
                bits.bits(5 * (bits.bits(1) if blocks_code else 1))


def _program_mixing(bits: BitReader, acmod: int) -> None:
    for _ in range(2 if acmod else 3):
        bits.bits(6 * bits.bits(1))  # pgmscl, pgmscl2, extpgmscl
    match bits.bits(2):  # mixdef
        case 1:
            bits.bits(5)
        case 2:
            bits.bits(12)
        case 3:
            bits.bits(8 * (bits.bits(5) + 2))
    if acmod < 2:
        for _ in range(1 if acmod else 2):
            bits.bits(14 * bits.bits(1))  # panmean, paninfo


def _information(bits: BitReader, acmod: int) -> int:
    """Informational metadata: bsmod, and the rest passed over. E.1.2.2, from infomdate on."""
    bsmod = bits.bits(3)
    bits.bits(2)  # copyrightb, origbs
    if acmod == 2:
        bits.bits(4)  # dsurmod, dheadphonmod
    if acmod >= 6:
        bits.bits(2)  # dsurexmod
    for _ in range(1 if acmod else 2):
        bits.bits(8 * bits.bits(1))  # mixlevel, roomtyp, adconvtyp
    bits.bits(1)  # sourcefscod
    return bsmod


def _complexity(bits: BitReader) -> int | None:
    """The additional information of a stream with joint object coding. ETSI TS 103 420, 8.3.1."""
    if not bits.bits(1):
        return None
    length = bits.bits(6) + 1
    if length < 2 or bits.bits(8) != 1:  # reserved, flag_ec3_extension_type_a
        return None
    return bits.bits(8)
