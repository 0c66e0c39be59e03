"""Plain files of whole tracks, one for each tier, for clients without an adaptive player.

Off unless `ingest.progressive` says which kind. They are not encrypted: there is no way to
protect a file that any program is to play.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from configs.settings import IngestSettings
from packager.model import Download
from pipeline.ffmpeg.args import DownloadSpec, download_args
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.encode import limits
from pipeline.ffmpeg.process import run
from pipeline.master import Master, require_unchanged
from pipeline.sound import Sound


@dataclass(frozen=True, slots=True)
class MadeDownload:
    """A download in its file."""

    download: Download
    path: Path


def choose_downloads(sound: Sound, settings: IngestSettings) -> tuple[DownloadSpec, ...]:
    """What the settings ask for; a mono master gets half the bit rate, as its renditions do."""
    if settings.progressive == "none":
        return ()
    rate = 44_100 if sound.sample_rate_hz % 44_100 == 0 else 48_000
    return tuple(
        DownloadSpec(
            tier=tier,
            ending=settings.progressive,
            bitrate_bps=bitrate // 2 if sound.channels == 1 else bitrate,
            sample_rate_hz=rate,
        )
        for tier, bitrate in settings.progressive_bps.items()
    )


async def encode_downloads(
    tools: Tools,
    master: Master,
    specs: Sequence[DownloadSpec],
    folder: Path,
    *,
    slot: Callable[[], AbstractAsyncContextManager[object]],
) -> tuple[MadeDownload, ...]:
    """Make them in `folder`, in one process. Raises EncoderFailed, and BadMaster as `encode`."""
    if not specs:
        return ()
    outputs = [(spec, folder / f"download-{spec.tier}.{spec.ending}") for spec in specs]
    argv = download_args(tools.ffmpeg, master.path, master.sound, outputs)
    try:
        async with slot():
            await run(argv, limits(master.sound))
    finally:
        require_unchanged(master)
    return tuple(_made(spec, path, master.sound) for spec, path in outputs)


def _made(spec: DownloadSpec, path: Path, sound: Sound) -> MadeDownload:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    average_bps = round(size * 8 / sound.duration_s)
    return MadeDownload(Download(spec.tier, spec.ending, average_bps, size, sha256), path)
