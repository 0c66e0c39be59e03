"""What a master's own header claims: how many samples, and (FLAC) their MD5.

ffmpeg exits 0 on a WAV that ends early, and its idea of a file's length follows the file's
size. So the claim is read here, compared with the bytes that are there, and later with the
number of samples that were decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import BadMaster

_AGAIN = "copy it again, or export it again"
_UNKNOWN_32 = 0xFFFFFFFF  # "the writer could not seek back", and RF64's "look into ds64"
_MAX_CHUNKS = 10_000  # of any kind, before the audio: more is no file of anybody's
# The last 12 bytes of the GUIDs of a Sony Wave64: the first four are the chunk's name.
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a header says. None: it does not say."""

    samples: int | None = None  # per channel
    md5: str | None = None  # hex, of the decoded samples: little-endian, interleaved
    note: str | None = None  # what the record should tell about it


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes  # four characters
    start: int  # of the body, bytes from the start of the file
    size: int  # of the body, bytes, as claimed


def read_claim(path: Path, form: str) -> Claim:
    """The claim of a file of that format (ffmpeg's name). Raises BadMaster where it is broken.

    For mov it is empty: ffprobe reads sample tables right.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            match form:
                case "wav":
                    return _wav(path, file, size)
                case "w64":
                    return _pcm(path, file, size, _w64_chunks(file, size))
                case "aiff":
                    return _aiff(path, file, size)
                case "caf":
                    return _caf(path, file, size)
                case "flac":
                    return _flac(path, file)
                case _:
                    return Claim()
    except (struct.error, IndexError) as exc:
        raise BadMaster(path, "its header is cut short", _AGAIN) from exc
    except OSError as exc:
        raise BadMaster(path, f"it cannot be read: {exc.strerror or exc}") from exc


def _wav(path: Path, file: BinaryIO, size: int) -> Claim:
    """RIFF WAVE, and RF64 or BW64 with 64-bit sizes in `ds64` (EBU Tech 3306, ITU-R BS.2088)."""
    file.seek(0)
    big = file.read(4) in {b"RF64", b"BW64"}
    return _pcm(path, file, size, _riff_chunks(file, size, "<", big=big))


def _pcm(path: Path, file: BinaryIO, size: int, chunks: Iterator[_Chunk]) -> Claim:
    frame_bytes = 0
    for chunk in chunks:
        if chunk.name == b"fmt ":
            # nBlockAlign, after wFormatTag, nChannels, nSamplesPerSec and nAvgBytesPerSec.
            (frame_bytes,) = struct.unpack_from("<H", _body(file, chunk, 16), 12)
        if chunk.name == b"data":
            if not frame_bytes:
                raise BadMaster(path, "its header has no usable `fmt ` chunk", _AGAIN)
            return _audio_claim(path, chunk, frame_bytes, size)
    raise BadMaster(path, "it holds no audio: there is no `data` chunk", _AGAIN)


def _aiff(path: Path, file: BinaryIO, size: int) -> Claim:
    """AIFF and AIFF-C: `COMM` counts the sample frames, `SSND` holds them."""
    frames = frame_bytes = 0
    for chunk in _riff_chunks(file, size, ">"):
        if chunk.name == b"COMM":
            channels, frames, bits = struct.unpack_from(">hIh", _body(file, chunk, 8))
            frame_bytes = channels * -(-bits // 8)
        if chunk.name == b"SSND" and frames:
            # Eight bytes (offset, blockSize) stand before the samples.
            have = (min(chunk.start + chunk.size, size) - chunk.start - 8) // max(frame_bytes, 1)
            if have < frames:
                raise _truncated(path, frames, max(have, 0))
            return Claim(frames)
    raise BadMaster(path, "it holds no audio", _AGAIN)


def _audio_claim(path: Path, chunk: _Chunk, frame_bytes: int, size: int) -> Claim:
    have = (size - chunk.start) // frame_bytes
    if chunk.size == _UNKNOWN_32:
        return Claim(have, note="its header does not say how long it is (a streamed export)")
    promised = chunk.size // frame_bytes
    if promised == 0 and have:
        raise BadMaster(path, "its header says it holds no audio", "finish the recording's file")
    if promised > have:
        raise _truncated(path, promised, have)
    return Claim(promised)


def _flac(path: Path, file: BinaryIO) -> Claim:
    """STREAMINFO. RFC 9639, 8.2: sample count in 36 bits (0: unknown), MD5 (zeros: unknown)."""
    file.seek(0)
    head = file.read(10)
    if head.startswith(b"ID3"):
        skip = 0
        for digit in head[6:10]:
            skip = skip << 7 | digit & 0x7F
        file.seek(skip + 10)
    else:
        file.seek(0)
    block = file.read(42)
    if block[:4] != b"fLaC" or block[4] & 0x7F or len(block) < 42:
        raise BadMaster(path, "its FLAC header is broken", _AGAIN)
    samples = int.from_bytes(block[21:26], "big") & 0xF_FFFF_FFFF
    md5 = block[26:42]
    return Claim(samples or None, md5.hex() if any(md5) else None)


def _caf(path: Path, file: BinaryIO, size: int) -> Claim:
    """Core Audio Format: `pakt` counts the valid frames, without it `data` is plain PCM."""
    frame_bytes, samples = 0, None
    at = 8  # "caff", version, flags
    for _ in range(_MAX_CHUNKS):
        if at + 12 > size:
            break
        file.seek(at)
        name, length = struct.unpack(">4sq", file.read(12))
        start = at + 12
        # -1: the audio goes on to the end of the file. Its first four bytes count edits.
        end = size if length == -1 and name == b"data" else start + max(length, 0)
        body = _Chunk(name, start, end - start)
        if name == b"desc":
            frame_bytes = struct.unpack_from(">I", _body(file, body, 32), 16)[0]
        if name == b"pakt":
            samples = struct.unpack_from(">q", _body(file, body, 24), 8)[0]
        if name == b"data":
            if end > size:
                raise BadMaster(path, "it is truncated: its audio ends before it should", _AGAIN)
            if frame_bytes:
                samples = (end - start - 4) // frame_bytes
        at = end
    if not samples or samples < 0:
        raise BadMaster(path, "it holds no audio", _AGAIN)
    return Claim(samples)


def _riff_chunks(file: BinaryIO, size: int, order: str, *, big: bool = False) -> Iterator[_Chunk]:
    """Chunks after the 12-byte head: a name, a 32-bit size, a body padded to an even length."""
    sizes: dict[bytes, int] = {}
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > size:
            return
        file.seek(at)
        head = file.read(8)
        name, length = head[:4], struct.unpack(f"{order}I", head[4:])[0]
        chunk = _Chunk(name, at + 8, sizes.get(name, length) if length == _UNKNOWN_32 else length)
        if big and name == b"ds64":
            # riffSize, dataSize: 64 bits each.
            sizes[b"data"] = struct.unpack_from("<Q", _body(file, chunk, 16), 8)[0]
        yield chunk
        at = chunk.start + chunk.size + chunk.size % 2


def _w64_chunks(file: BinaryIO, size: int) -> Iterator[_Chunk]:
    """Chunks of a Wave64: a 16-byte GUID, a 64-bit size with this head, padded to 8 bytes."""
    at = 40  # GUID "riff", size, GUID "wave"
    for _ in range(_MAX_CHUNKS):
        if at + 24 > size:
            return
        file.seek(at)
        head = file.read(24)
        length = struct.unpack("<Q", head[16:])[0]
        if length < 24:
            return
        if head[4:16] == _W64_TAIL:
            yield _Chunk(head[:4], at + 24, length - 24)
        at += -(-length // 8) * 8


def _body(file: BinaryIO, chunk: _Chunk, least: int) -> bytes:
    """The first bytes of a chunk; struct.error of the caller's unpacking if there are fewer."""
    file.seek(chunk.start)
    return file.read(min(least, chunk.size))


def _truncated(path: Path, promised: int, have: int) -> BadMaster:
    cause = f"it is truncated: its header promises {promised} samples, the file holds {have}"
    return BadMaster(path, cause, _AGAIN)
