"""What ffprobe says of a file, as a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import BadMaster, EncoderFailed
from pipeline.ffmpeg.args import probe_args
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.process import Limits, run
from pipeline.retry import was_killed

# A probe of an honest master takes a moment; tags in their millions would take hours.
_LIMITS = Limits(deadline_s=60, cpu_s=15)


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One audio stream. 0 where ffprobe does not say."""

    codec: str
    sample_rate_hz: int
    channels: int
    bit_depth: int
    is_float: bool
    samples: int  # per channel


@dataclass(frozen=True, slots=True)
class Probe:
    """The streams of a file, and its text tags as ffmpeg reads them (keys in lower case)."""

    audio: tuple[AudioStream, ...]
    has_video: bool  # a moving picture; an attached cover is none
    tags: Mapping[str, str] = field(default_factory=dict)


async def probe(tools: Tools, path: Path, form: str) -> Probe:
    """Ask ffprobe once. `form` is the sniffed format. Raises BadMaster where it cannot read it.

    EncoderFailed where somebody killed it: that says nothing about the master.
    """
    try:
        argv = probe_args(tools.ffprobe, path, form)
        done = await run(argv, _LIMITS, confined=tools.confined([path]))
        return parse_probe(done.stdout)
    except EncoderFailed as exc:
        if was_killed(exc):
            raise
        raise BadMaster(path, exc.cause) from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BadMaster(path, "ffprobe gives no sense of it") from exc


def parse_probe(answer: bytes) -> Probe:
    """JSON of ffprobe -> Probe. Any of four errors of the language when it is none."""
    said = json.loads(answer)
    streams = said.get("streams", [])
    return Probe(
        audio=tuple(_audio(one) for one in streams if one.get("codec_type") == "audio"),
        has_video=any(
            one.get("codec_type") == "video" and not one.get("disposition", {}).get("attached_pic")
            for one in streams
        ),
        tags={
            **_tags(streams[0] if streams else {}),  # where ffmpeg puts those of CAF and MOV
            **_tags(said.get("format", {})),
        },
    )


def _audio(stream: Mapping[str, Any]) -> AudioStream:
    codec = str(stream.get("codec_name", "unknown"))
    rate = int(stream.get("sample_rate", 0))
    ticks = Fraction(stream.get("time_base", "0/1")) * int(stream.get("duration_ts", 0))
    return AudioStream(
        codec=codec,
        sample_rate_hz=rate,
        channels=int(stream.get("channels", 0)),
        # The first is set where fewer bits carry signal than the container has (24 in 32).
        bit_depth=int(stream.get("bits_per_raw_sample") or stream.get("bits_per_sample") or 0),
        is_float=codec.startswith("pcm_f"),
        samples=round(ticks * rate),
    )


def _tags(part: Mapping[str, Any]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in part.get("tags", {}).items()}
