"""The checksums of FLAC frames. RFC 9639, 9.1.8 and 9.3."""

from __future__ import annotations


def _table() -> bytes:
    """CRC-8 of every byte: polynomial x^8 + x^2 + x + 1, from 0."""
    values = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value << 1 ^ (0x107 if value & 0x80 else 0)
        values.append(value)
    return bytes(values)


_CRC8 = _table()


def crc8(data: bytes) -> int:
    """CRC-8 of a frame header."""
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def divides_crc16(frame: bytes) -> bool:
    """Whether a frame that ends in its CRC-16 is undamaged, all of it in a few big-number steps.

    The frame as a polynomial has to be a multiple of x^16 + x^15 + x^2 + 1, which is
    (x + 1)(x^15 + x + 1). The first divides whatever has an even number of terms. For the
    second: squared n times it is x^(15 * 2^n) + x^(2^n) + 1, still a multiple of it and still of
    three terms, so half of the bits fold onto the other half by two shifts. A table for every
    byte would cost a hundred times as much here.
    """
    value = int.from_bytes(frame, "big")
    if value.bit_count() & 1:
        return False
    fold = 1 << max(0, (value.bit_length() // 15).bit_length())
    while fold:
        width = 15 * fold
        mask = (1 << width) - 1
        while high := value >> width:
            value = value & mask ^ high ^ high << fold
        fold >>= 1
    return not value
