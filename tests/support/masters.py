"""Masters made on the spot: real audio, short, the same bytes every time."""

from __future__ import annotations

import io
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, TALB, TIT2, TPE1, TRCK, TSRC, TXXX, USLT
from mutagen.mp4 import MP4, MP4Cover
from mutagen.wave import WAVE
from numpy.typing import NDArray
from PIL import Image

Signal = NDArray[np.float64]  # samples x channels, full scale is 1.0

ISRC = "QZABC2600001"


def music(seconds: float = 3.0, rate: int = 44_100, channels: int = 2, seed: int = 1) -> Signal:
    """Three partials that beat, a little noise: nothing an encoder finds trivial."""
    count = round(seconds * rate)
    time = np.arange(count) / rate
    noise = np.random.default_rng(seed).standard_normal(count) * 0.02
    tones = sum(
        0.2 * np.sin(2 * np.pi * pitch * time) * (1 + 0.3 * np.sin(2 * np.pi * 0.7 * time))
        for pitch in (220.0 + seed, 331.0, 441.0)
    )
    one = np.asarray(tones + noise, dtype=np.float64)
    return np.stack([np.roll(one, 100 * number) for number in range(channels)], axis=1)


def integers(signal: Signal, bits: int) -> NDArray[np.int32]:
    """Full-scale integers, interleaved."""
    return np.clip(signal * (1 << bits - 1), -(1 << bits - 1), (1 << bits - 1) - 1).astype("<i4")


def pcm(signal: Signal, bits: int, *, is_float: bool = False, order: str = "<") -> bytes:
    """The bytes of a PCM file's audio."""
    if is_float:
        return signal.astype(f"{order}f{bits // 8}").tobytes()
    raw = integers(signal, bits).astype(f"{order}i4").tobytes()
    whole = np.frombuffer(raw, np.uint8).reshape(-1, 4)
    size = bits // 8
    return (whole[:, :size] if order == "<" else whole[:, 4 - size :]).tobytes()


def wav(
    path: Path,
    signal: Signal,
    rate: int = 44_100,
    bits: int = 16,
    *,
    is_float: bool = False,
    form: str = "RIFF",
    data_size: int | None = None,
) -> Path:
    """A WAVE file; `data_size` is what its header claims, RF64 has its sizes in `ds64`."""
    audio = pcm(signal, bits, is_float=is_float)
    channels = signal.shape[1]
    frame = channels * bits // 8
    fmt = struct.pack("<HHIIHH", 3 if is_float else 1, channels, rate, rate * frame, frame, bits)
    claimed = len(audio) if data_size is None else data_size
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    if form == "RF64":
        ds64 = struct.pack("<QQQI", len(audio) + 80, claimed, len(signal), 0)
        chunks = b"ds64" + struct.pack("<I", len(ds64)) + ds64 + chunks
        claimed = 0xFFFFFFFF
    chunks += b"data" + struct.pack("<I", claimed) + audio
    riff = 0xFFFFFFFF if form == "RF64" else 4 + len(chunks)
    path.write_bytes(form.encode() + struct.pack("<I", riff & 0xFFFFFFFF) + b"WAVE" + chunks)
    return path


def encoded(path: Path, source: Path, *options: str, ffmpeg: str = "ffmpeg") -> Path:
    """The same audio in the format that the path's suffix says, by somebody else's encoder."""
    command = [ffmpeg, "-nostdin", "-v", "error", "-y", "-i", str(source), *options, str(path)]
    subprocess.run(command, check=True)
    return path


def flac(path: Path, signal: Signal, rate: int = 44_100, bits: int = 16, **tags: str) -> Path:
    """A FLAC file with Vorbis comments; a `_` in a name stands for another value of it."""
    source = wav(path.with_suffix(".source.wav"), signal, rate, bits)
    encoded(path, source)
    source.unlink()
    file = FLAC(path)
    for name, value in tags.items():
        file[name] = value
    file.save()
    return path


def picture(width: int = 64, height: int = 48, form: str = "JPEG") -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (10, 120, 200)).save(file, form)
    return file.getvalue()


def add_flac_pictures(path: Path, *pictures: tuple[int, bytes]) -> None:
    """PICTURE blocks: type (3: front cover) and bytes."""
    file = FLAC(path)
    for kind, data in pictures:
        one = Picture()
        one.type, one.data, one.mime = kind, data, "image/jpeg"
        file.add_picture(one)
    file.save()


def tag_wav(path: Path, cover: bytes | None = None) -> None:
    """An ID3 chunk, as taggers write it into WAV."""
    file: Any = WAVE(path)
    file.add_tags()
    for frame in (
        TIT2(encoding=3, text=["Night Train"]),
        TPE1(encoding=3, text=["Ada", "Bo"]),
        TALB(encoding=3, text=["Rivers"]),
        TRCK(encoding=3, text=["3/12"]),
        TSRC(encoding=3, text=["QZ-ABC-26-00001"]),
        TXXX(encoding=3, desc="REPLAYGAIN_TRACK_GAIN", text=["-7.30 dB"]),
        USLT(encoding=3, lang="eng", desc="", text="la la\nla"),
    ):
        file.tags.add(frame)
    if cover:
        file.tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=cover))
    file.save()


def tag_mp4(path: Path, cover: bytes | None = None) -> None:
    """iTunes metadata atoms."""
    file: Any = MP4(path)
    file["\xa9nam"] = "Night Train"
    file["\xa9ART"] = ["Ada", "Bo"]
    file["\xa9alb"] = "Rivers"
    file["aART"] = "Ada"
    file["trkn"] = [(3, 12)]
    file["disk"] = [(2, 2)]
    file["----:com.apple.iTunes:ISRC"] = [b"QZABC2600001"]
    file["----:com.apple.iTunes:BARCODE"] = [b"4006381333931"]
    if cover:
        file["covr"] = [MP4Cover(cover, MP4Cover.FORMAT_JPEG)]
    file.save()


def break_frame(path: Path, at: int | None = None) -> Path:
    """Flip bits in the middle of a file's audio."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 if at is None else at
    for place in range(middle, middle + 40):
        data[place] ^= 0x55
    path.write_bytes(data)
    return path


def truncate(path: Path, part: float = 0.5) -> Path:
    """Cut a file's end off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


def video(path: Path, ffmpeg: str = "ffmpeg") -> Path:
    """A second of a moving picture with sound."""
    command = [ffmpeg, "-nostdin", "-v", "error", "-y"]
    command += ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1"]
    command += ["-f", "lavfi", "-i", "sine=duration=1:sample_rate=44100"]
    command += ["-c:v", "mpeg4", "-c:a", "alac", str(path)]
    subprocess.run(command, check=True)
    return path
