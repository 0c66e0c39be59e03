"""Plain files of whole tracks, one for each tier, for clients without an adaptive player.

Off unless `ingest.progressive` says which kind. They are not encrypted: there is no way to
protect a file that any program is to play. They carry the master's tags and the cover, as they
were when it was ingested: what the catalog is corrected to later is not in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.settings import IngestSettings
from packager import digests
from packager.model import Download
from pipeline.cores import Cores
from pipeline.cover import BadCover, resize_cover
from pipeline.ffmpeg.args import DownloadSpec, download_args
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.encode import limits
from pipeline.ffmpeg.process import run
from pipeline.master import Master, require_unchanged
from pipeline.sound import Sound
from pipeline.tags import Tags, write_tags

_COVER = 640  # pixels on the longer side, at most


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
    cores: Cores,
) -> tuple[MadeDownload, ...]:
    """Make them in `folder`, in one process. Raises EncoderFailed, and BadMaster as `encode`."""
    if not specs:
        return ()
    outputs = [(spec, folder / f"download-{spec.tier}.{spec.ending}") for spec in specs]
    argv = download_args(tools.ffmpeg, master.path, master.sound, outputs)
    try:
        async with cores.slot() as begin:
            confined = tools.confined([master.path], [folder])
            await run(argv, limits(master.sound), confined=confined, begin=begin)
    finally:
        require_unchanged(master)
    return await asyncio.to_thread(_finished, master, outputs)


def tags_of(master: Master) -> Tags:
    """What a download of the master is tagged with, but for the cover."""
    artist = master.tags.album_artist or ", ".join(master.tags.artists) or None
    album_artist = artist if master.tags.album else None
    return replace(master.tags, title=master.title, album_artist=album_artist)


def _finished(
    master: Master, outputs: Sequence[tuple[DownloadSpec, Path]]
) -> tuple[MadeDownload, ...]:
    cover = _cover(master)
    for _, path in outputs:
        write_tags(path, tags_of(master), cover)
    return tuple(_made(spec, path, master.sound) for spec, path in outputs)


def _cover(master: Master) -> bytes | None:
    """As the players get it; one that cannot be read is warned of where their sizes are made."""
    if master.cover is None:
        return None
    try:
        return resize_cover(master.cover, (_COVER,))[0].data
    except BadCover:
        return None


def _made(spec: DownloadSpec, path: Path, sound: Sound) -> MadeDownload:
    with path.open("rb") as file:
        parts, sha256 = digests.of_plain(file)
    size = path.stat().st_size
    average_bps = round(size * 8 / sound.duration_s)
    download = Download(spec.tier, spec.ending, average_bps, size, sha256, parts)
    return MadeDownload(download, path)
