"""Masters on disk: WAV and AIFF written here, FLAC and Apple Lossless by ffmpeg.

Frames are integers, one row per frame and one column per channel.
"""

from __future__ import annotations

import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.int32]

# Arguments that turn raw PCM into a format, by file name suffix.
_ENCODERS = {
    ".flac": ("-c:a", "flac", "-compression_level", "5"),
    ".m4a": ("-c:a", "alac", "-movflags", "+faststart"),
}


def write(path: Path, frames: Frames, bits: int, rate: int, ffmpeg: Path) -> None:
    """Write frames in the format that the path's suffix names."""
    match path.suffix:
        case ".wav":
            write_wav(path, frames, bits, rate)
        case ".aiff":
            write_aiff(path, frames, bits, rate)
        case suffix:
            head = (str(ffmpeg), *_pcm_input(bits, rate, frames.shape[1]))
            _encode(path, frames, bits, head, _ENCODERS[suffix])


def pcm(frames: Frames, bits: int, *, big_endian: bool) -> bytes:
    """Interleaved integers of 16 or 24 bits."""
    order = ">" if big_endian else "<"
    if bits == 16:
        return frames.astype(f"{order}i2").tobytes()
    quads = np.ascontiguousarray(frames, dtype=f"{order}i4").view(np.uint8).reshape(-1, 4)
    return quads[:, 1:].tobytes() if big_endian else quads[:, :3].tobytes()


def write_wav(path: Path, frames: Frames, bits: int, rate: int) -> None:
    """A RIFF/WAVE file of integer PCM."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(frames.shape[1])
        out.setsampwidth(bits // 8)
        out.setframerate(rate)
        out.writeframes(pcm(frames, bits, big_endian=False))


def write_aiff(path: Path, frames: Frames, bits: int, rate: int) -> None:
    """An AIFF 1.3 file: `FORM` with a `COMM` and an `SSND` chunk."""
    common = struct.pack(">hLh", frames.shape[1], frames.shape[0], bits) + extended(rate)
    sound = struct.pack(">LL", 0, 0) + pcm(frames, bits, big_endian=True)
    body = b"AIFF" + _chunk(b"COMM", common) + _chunk(b"SSND", sound)
    path.write_bytes(_chunk(b"FORM", body))


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">L", len(body)) + body + b"\0" * (len(body) % 2)


def extended(number: int) -> bytes:
    """A positive integer as an 80-bit IEEE 754 extended float, as `COMM` has the sampling rate."""
    exponent = number.bit_length() - 1
    return struct.pack(">HQ", 16383 + exponent, number << (63 - exponent))


def _pcm_input(bits: int, rate: int, channels: int) -> tuple[str, ...]:
    quiet = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")
    # The input's own depth reaches the encoder: s24le gives 24-bit FLAC, not 32.
    return (*quiet, "-f", f"s{bits}le", "-ar", str(rate), "-ac", str(channels), "-i", "pipe:0")


def _encode(
    path: Path, frames: Frames, bits: int, head: tuple[str, ...], how: tuple[str, ...]
) -> None:
    # bitexact: no encoder version or date in the file, so that the same music gives the same bytes
    command = (*head, *how, "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
    subprocess.run((*command, str(path)), input=pcm(frames, bits, big_endian=False), check=True)
