"""Spectral band replication in AAC frames whose headers cannot say so.

SBR data is a fill element at the end of a frame (ISO/IEC 14496-3:2019, 4.4.2.7, 4.5.2.8.2.2), and
where that begins only a decoder of the Huffman codes before it knows. But its length is in it and
has to lead to the end of the frame, to the bit: ID_END, then less than a byte of zeros. One frame
in about thirty looks so by chance, every frame of HE-AAC does.
"""

from __future__ import annotations

from packager.demux.stream import ByteStream
from packager.model import SampleTable

_FRAMES = 64  # looked at
_FILL, _END = 6, 7  # id_syn_ele, table 4.85
_EXTENSIONS = (13, 14)  # EXT_SBR_DATA, EXT_SBR_DATA_CRC, table 4.121
_ESCAPE = 15  # count of a fill element that goes on in eight more bits


def is_present(stream: ByteStream, table: SampleTable) -> bool:
    """Whether most frames end in SBR data (the first of a stream, and silence, may have none)."""
    step = max(1, len(table) // _FRAMES)
    numbers = range(0, len(table), step)
    found = sum(
        ends_in_sbr(stream.at(table.offsets[number], table.sizes[number])) for number in numbers
    )
    return found * 2 > len(numbers)


def ends_in_sbr(frame: bytes) -> bool:
    """Whether a raw_data_block ends in a fill element of SBR data."""
    value = int.from_bytes(frame, "big")
    total = len(frame) * 8
    for padding in range(8):
        rest = value >> padding
        if value & ((1 << padding) - 1):
            return False
        if rest & 7 == _END and _sbr_before(rest >> 3, total - padding - 3):
            return True
    return False


def _sbr_before(value: int, length: int) -> bool:
    """Whether an SBR element ends where these bits do."""
    for count in range(1, 14 + 256):
        escaped = count >= _ESCAPE
        head = (_FILL << 4 | _ESCAPE) << 8 | count - _ESCAPE + 1 if escaped else _FILL << 4 | count
        width = 15 if escaped else 7
        payload = 8 * count
        if payload + width > length:
            return False
        start = value >> payload
        if start & ((1 << width) - 1) == head and value >> payload - 4 & 15 in _EXTENSIONS:
            return True
    return False
