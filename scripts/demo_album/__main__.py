"""Writes the demo album into a folder, unless it is there already."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path

from configs.settings import FfmpegSettings
from pipeline.ffmpeg.binaries import find_tools
from scripts.demo_album.album import SESSIONS, TRACKS, Track, perform, press
from scripts.demo_album.cover import draw
from scripts.demo_album.tagging import tag

_STAMP = ".album.json"  # what was written, and by which code


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the masters go")
    parser.add_argument(
        "--only", type=int, nargs="*", metavar="N", help="numbers of the tracks to write"
    )
    arguments = parser.parse_args()
    make(arguments.folder, set(arguments.only or (track.number for track in TRACKS)))


def make(folder: Path, numbers: set[int]) -> None:
    """Compose, perform and write these tracks; say so on stderr."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = {"code": _own_code(), "tracks": ",".join(map(str, sorted(numbers)))}
    wanted = [track for track in TRACKS if track.number in numbers]
    if _is_current(folder, stamp, wanted):
        _say(f"the demo album is in {folder}")
        return
    ffmpeg = asyncio.run(find_tools(FfmpegSettings())).ffmpeg
    began = time.monotonic()
    cover = draw()
    (folder / "cover.jpg").write_bytes(cover)
    for session in SESSIONS:
        if numbers.isdisjoint(track.number for track in session.tracks):
            continue
        for track, sound in perform(session):
            if track.number in numbers:
                tag(press(track, sound, folder, ffmpeg), track, cover)
                _say(f"{track.file}: {track.bits} bits, {track.rate / 1000:g} kHz")
    (folder / _STAMP).write_text(json.dumps(stamp))
    _say(f"the demo album was made in {time.monotonic() - began:.0f} s")


def _is_current(folder: Path, stamp: dict[str, str], tracks: list[Track]) -> bool:
    try:
        written = json.loads((folder / _STAMP).read_text())
    except (OSError, ValueError):
        return False
    return bool(written == stamp) and all((folder / track.file).is_file() for track in tracks)


def _own_code() -> str:
    """A digest of this package: other code is another album."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
