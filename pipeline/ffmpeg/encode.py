"""From a master to its encoded renditions and its measurements.

ffmpeg 7 and later runs the encoders of one process side by side: one process makes everything.
An older one runs them in turn, so there each rendition has a process of its own, and the
measurement too. Each of them decodes the master again, which costs little beside an encoder.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.album_loudness import Histogram, LoudnessBlocks
from packager.model import Codec, Loudness
from pipeline.cores import Cores
from pipeline.ffmpeg.args import BlockFiles, encode_args
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.loudness import parse_blocks, parse_loudness, parse_sample_count
from pipeline.ffmpeg.process import Limits, run
from pipeline.ffmpeg.progress import progress_of
from pipeline.ladder import RenditionSpec
from pipeline.sound import Sound

# Far above what was seen (0.15 s of one core for a second of sound in the whole ladder).
_DEADLINE_PER_SECOND = 20.0
_DEADLINE_LEAST_S = 300.0
_FILE_SPARE_BYTES = 64 << 20
# ffmpeg says twice a second how far it is; a disk that sleeps, or a machine that swaps, may take
# a while to get on.
_STALL_S = 120.0

# Rough cost of a rendition, to start the longest first and to weigh progress.
_WEIGHTS = {Codec.AAC: 1.0, Codec.OPUS: 0.5, Codec.FLAC: 0.1}
_MEASURE_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one encode has made and measured."""

    files: dict[str, Path]  # rendition name -> plain MP4 file
    loudness: Loudness
    blocks: LoudnessBlocks  # what the loudness of the album is made of
    samples: int  # decoded from the master, per channel
    md5: str | None  # hex, of the decoded samples; None where not asked for


@dataclass(frozen=True, slots=True)
class _Part:
    """One process of an encode."""

    outputs: tuple[tuple[RenditionSpec, Path], ...]
    measure: bool
    weight: float


async def encode(
    tools: Tools,
    source: Path,
    sound: Sound,
    specs: Sequence[RenditionSpec],
    folder: Path,
    *,
    cores: Cores,
    with_md5: bool = False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Encoded:
    """Make every rendition in `folder` and measure the master. Raises EncoderFailed.

    `cores` says how many processes run at once, and on which.
    When one process fails, the others are ended.
    """
    outputs = tuple((spec, folder / f"{spec.name}.encoded.mp4") for spec in specs)
    md5_file = folder / "decoded.md5" if with_md5 else None
    blocks = BlockFiles(folder / "momentary.txt", folder / "short-term.txt")
    parts = plan(outputs, in_one=tools.encodes_in_parallel)
    done = dict.fromkeys(range(len(parts)), 0.0)
    said: list[str] = []
    confined = tools.confined([source], [folder])

    async def work(number: int, part: _Part) -> None:
        measure, md5 = (blocks, md5_file) if part.measure else (None, None)
        argv = encode_args(tools.ffmpeg, source, sound, part.outputs, measure=measure, md5=md5)

        def on_line(line: str) -> None:
            fraction = progress_of(line, sound.duration_s)
            if fraction is not None:
                done[number] = fraction * part.weight
                on_progress(sum(done.values()))

        async with cores.slot() as begin:
            completed = await run(argv, limits(sound), on_line, confined, begin)
        if part.measure:
            said.append(completed.stderr_tail)

    await _all_or_none([work(number, part) for number, part in enumerate(parts)])
    return Encoded(
        files={spec.name: path for spec, path in outputs},
        loudness=parse_loudness(said[0]) or Loudness(None, None, None),
        blocks=await asyncio.to_thread(_read_blocks, blocks),
        samples=parse_sample_count(said[0], sound.channels) or 0,
        md5=_read_md5(md5_file) if md5_file else None,
    )


def plan(outputs: Sequence[tuple[RenditionSpec, Path]], *, in_one: bool) -> list[_Part]:
    """Which processes make these outputs, the longest first; weights add up to 1."""
    if in_one:
        return [_Part(tuple(outputs), measure=True, weight=1.0)]
    costs = [
        _WEIGHTS.get(spec.codec, 1.0) * (1 + (spec.bitrate_bps or 0) / 160_000)
        for spec, _ in outputs
    ]
    total = sum(costs) + _MEASURE_WEIGHT
    parts = [
        _Part((output,), measure=False, weight=cost / total)
        for cost, output in sorted(
            zip(costs, outputs, strict=True), key=lambda pair: pair[0], reverse=True
        )
    ]
    return [*parts, _Part((), measure=True, weight=_MEASURE_WEIGHT / total)]


async def _all_or_none(works: Sequence[Coroutine[object, object, None]]) -> None:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def limits(sound: Sound) -> Limits:
    """A deadline and a file size that no honest master of that length comes near."""
    pcm_bytes = sound.samples * sound.channels * 4
    return Limits(
        deadline_s=_DEADLINE_LEAST_S + _DEADLINE_PER_SECOND * sound.duration_s,
        file_bytes=pcm_bytes + _FILE_SPARE_BYTES,
        stall_s=_STALL_S,
    )


def _read_blocks(files: BlockFiles) -> LoudnessBlocks:
    histograms = []
    for path in (files.momentary, files.short_term):
        with path.open(encoding="ascii", errors="replace") as lines:
            histograms.append(Histogram.of(parse_blocks(lines)))
        path.unlink()
    return LoudnessBlocks(*histograms)


def _read_md5(path: Path) -> str | None:
    found = re.match(r"MD5=([0-9a-f]{32})\s*$", path.read_text("ascii", "replace"))
    return found[1] if found else None
