"""Spectral band replication, and parametric stereo, that only the AAC frames tell of.

The headers of ADTS cannot say so, and an MP4 file need not ("implicit signaling", ISO/IEC
14496-3:2019, 1.6.6.3). SBR data is a fill element at the end of a frame (4.4.2.7, 4.5.2.8.2.2), and
where that begins only a decoder of the Huffman codes before it knows. But its length is in it and
has to lead to the end of the frame, to the bit: ID_END, then less than a byte of zeros; fill
elements that only stuff may come between. One frame in about thirty looks so by chance, every frame
of HE-AAC does.

Parametric stereo is an extension at the end of the SBR data of a mono stream (4.4.2.8, table 4.72,
8.A.2) and is found in the same way. Four in ten look so by chance, all of HE-AAC v2 do.
"""

from __future__ import annotations

from packager.codecs import aac
from packager.demux.stream import ByteStream
from packager.errors import UnsupportedMedia
from packager.model import SampleTable

_FRAMES = 64  # looked at
_FILL, _END = 6, 7  # id_syn_ele, table 4.85
_SBR_TYPES = (13, 14)  # EXT_SBR_DATA, EXT_SBR_DATA_CRC, table 4.121
_STUFFING = 0xA5  # fill_byte of EXT_FILL_DATA, 4.5.2.8.2.1
_ESCAPE = 15  # a count that goes on in eight more bits
_MAX_STUFFING = 8  # elements of nothing but stuffing behind the SBR data
_TAIL = 272 * (_MAX_STUFFING + 1)  # bytes of all these elements at their longest
_NO_LFE = 5  # channels, at most
_RARELY_LC_HZ = (
    24000  # a core at half of 48 kHz or less; LC of surround sound is at 44.1 kHz or more
)
_EXTENSION_PS = 2  # bs_extension_id, table 4.122

_Data = tuple[int, int]  # the bytes of a fill element as one number, and how many


def made_explicit(stream: ByteStream, table: SampleTable, specific: bytes) -> bytes:
    """An AudioSpecificConfig that says what the frames have: as it was, where it spoke of SBR.

    Raises UnsupportedMedia where the doubled sampling rate has no index, and for surround sound
    that is likely to have SBR: its frames end in the LFE channel, which has none.
    """
    config = aac.parse(specific)
    if not config.is_silent_on_sbr:
        return specific
    found = _object_type(stream, table, config.channels)
    if found == aac.LC and config.channels > _NO_LFE and config.core_rate_hz <= _RARELY_LC_HZ:
        raise UnsupportedMedia(
            f"AAC of {config.channels} channels at {config.core_rate_hz} Hz that does not say "
            "whether it is HE-AAC: put it into an MP4 file that does"
        )
    return specific if found == aac.LC else aac.signaled(specific, found)


def _object_type(stream: ByteStream, table: SampleTable, channels: int) -> int:
    """What most frames are (the first of a stream, and silence, may be without)."""
    step = max(1, len(table) // _FRAMES)
    numbers = range(0, len(table), step)
    ends = (_end(stream, table.offsets[number], table.sizes[number]) for number in numbers)
    found = [data for end in ends if (data := sbr_data(end))]
    if len(found) * 2 <= len(numbers):
        return aac.LC
    stereo = sum(ends_in_ps(data) for data in found)
    return aac.PS if channels == 1 and stereo * 4 > len(found) * 3 else aac.SBR


def _end(stream: ByteStream, offset: int, size: int) -> bytes:
    length = min(size, _TAIL)
    return stream.at(offset + size - length, length)


def sbr_data(frame: bytes) -> _Data | None:
    """The SBR data that a raw_data_block ends in; None where it does not."""
    end = frame[-_TAIL:]
    value = int.from_bytes(end, "big")
    total = len(end) * 8
    for padding in range(8):
        rest = value >> padding
        if value & ((1 << padding) - 1):
            return None
        if rest & 7 == _END and (data := _sbr_before(rest >> 3, total - padding - 3)):
            return data
    return None


def _sbr_before(value: int, length: int, stuffed: int = 0) -> _Data | None:
    """The SBR element that ends where these bits do, or where the stuffing behind it begins."""
    for count in range(_ESCAPE + 255):
        escaped = count >= _ESCAPE
        head = (_FILL << 4 | _ESCAPE) << 8 | count - _ESCAPE + 1 if escaped else _FILL << 4 | count
        left = length - 8 * count - (15 if escaped else 7)
        if left < 0:
            return None
        start = value >> 8 * count
        if start & ((1 << (15 if escaped else 7)) - 1) != head:
            continue
        payload = value & ((1 << 8 * count) - 1)
        if count and payload >> 8 * count - 4 in _SBR_TYPES:
            return payload, count
        if stuffed < _MAX_STUFFING and _is_stuffing(payload, count):
            before = start >> (15 if escaped else 7)
            if data := _sbr_before(before, left, stuffed + 1):
                return data
    return None


def _is_stuffing(payload: int, count: int) -> bool:
    """An element of no bytes, of EXT_FILL_DATA, or of EXT_FILL with zeros."""
    data = payload.to_bytes(count, "big")
    return data in {bytes(count), b"\x10" + bytes((_STUFFING,)) * (count - 1)}


def ends_in_ps(data: _Data) -> bool:
    """Whether SBR data ends in an extension that is parametric stereo, and less than a byte."""
    payload, size = data
    for padding in range(8):
        if payload & ((1 << padding) - 1):
            return False
        for count in range(1, size):
            escaped = count >= _ESCAPE
            # bs_extended_data, bs_extension_size, bs_esc_count
            head = 0x1F << 8 | count - _ESCAPE if escaped else 1 << 4 | count
            start = payload >> padding + 8 * count
            if (
                start & ((1 << (13 if escaped else 5)) - 1) == head
                and payload >> padding + 8 * count - 2 & 3 == _EXTENSION_PS
            ):
                return True
    return False
