"""Real HE-AAC, which no ffmpeg here encodes: tests/vectors/he-aac."""

from __future__ import annotations

from pathlib import Path

SAMPLES = 2 * 44100  # of the master
_FOLDER = Path(__file__).parents[1] / "vectors" / "he-aac"
# How an MP4 file says that there is SBR: not at all, or in either explicit way.
SIGNALING = ("implicit", "backward", "hierarchical")
VERSIONS = {"he": "mp4a.40.5", "he2": "mp4a.40.29"}


def vector(name: str) -> Path:
    """A file by its name."""
    return _FOLDER / name
