"""The command lines of ffprobe and ffmpeg. Pure: values in, a list of strings out.

Nothing that a user writes becomes an option: the only foreign text is a path, behind `file:`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from packager.model import Codec
from pipeline.ladder import RenditionSpec
from pipeline.sound import Sound

# Bytes in one allocation. A decoder's largest real one is a frame, a demuxer's a sample table or
# a cover picture; a header that lies asks for more.
_MAX_ALLOC = 512 << 20

# FLAC's block size, samples. The AAC frame (1024) divides it, so segments of every codec end
# within a frame of each other.
_FLAC_BLOCK = 4096


def probe_args(ffprobe: Path, source: Path, form: str) -> list[str]:
    """What is in the file, as JSON on stdout."""
    return [
        str(ffprobe),
        # Only errors on stderr: the cause of a failure is searched there.
        *("-v", "error", "-hide_banner"),
        *("-max_alloc", str(_MAX_ALLOC)),
        *("-f", form),
        *_flat(_guards(form)),
        # It opens a decoder for each stream that it finds. No `codec_whitelist` here: it then ends
        # at the first cover, and cannot say what a master is that is none.
        *("-threads", "1"),
        *("-show_streams", "-show_format", "-of", "json"),
        _url(source),
    ]


@dataclass(frozen=True, slots=True)
class BlockFiles:
    """Where the loudness of blocks is written, a line every 100 ms."""

    momentary: Path  # of 400 ms
    short_term: Path  # of 3 s


def encode_args(
    ffmpeg_path: Path,
    source: Path,
    sound: Sound,
    outputs: Sequence[tuple[RenditionSpec, Path]],
    *,
    measure: BlockFiles | None = None,
    md5: Path | None = None,
) -> list[str]:
    """One process: one decode, all these renditions, and what is to be measured.

    `measure`: EBU R 128 loudness and the count of decoded samples, at the end of stderr; files
    for the loudness of every block.
    `md5`: a file for the MD5 of the decoded samples at the master's depth, as FLAC hashes them.
    """
    decoded = _decode(source, sound)
    sinks = []
    if measure is not None:
        sinks.append(_measure(decoded, measure))
    if md5 is not None:
        sinks.append(_md5(decoded, sound, md5))
    sinks += [
        ffmpeg.output(
            decoded,
            _to_latin(_url(path)),
            **(_resampled(spec.sample_rate_hz) if spec.resampled else {}),
            **_encoder(spec),
            **_muxer(spec),
        )
        for spec, path in outputs
    ]
    compiled: list[str] = ffmpeg.get_args(ffmpeg.merge_outputs(*sinks))
    return [str(ffmpeg_path), *_GLOBAL, *map(_from_latin, compiled)]


@dataclass(frozen=True, slots=True)
class DownloadSpec:
    """A plain file to make of a whole master."""

    tier: str
    ending: str  # "m4a" or "mp3"
    bitrate_bps: int
    sample_rate_hz: int


def download_args(
    ffmpeg_path: Path,
    source: Path,
    sound: Sound,
    outputs: Sequence[tuple[DownloadSpec, Path]],
) -> list[str]:
    """One process: one decode, all these downloads."""
    decoded = _decode(source, sound)
    sinks = []
    for spec, path in outputs:
        rate = spec.sample_rate_hz
        resampled = _resampled(rate) if rate != sound.sample_rate_hz else {}
        sinks.append(ffmpeg.output(decoded, _to_latin(_url(path)), **resampled, **_download(spec)))
    compiled: list[str] = ffmpeg.get_args(ffmpeg.merge_outputs(*sinks))
    return [str(ffmpeg_path), *_GLOBAL, *map(_from_latin, compiled)]


def _download(spec: DownloadSpec) -> dict[str, Any]:
    shared = {
        "b:a": spec.bitrate_bps,
        # Nothing of the master's metadata, no encoder name, no dates: the same bytes every time.
        "map_metadata": -1,
        "map_chapters": -1,
        "bitexact": None,
    }
    if spec.ending == "mp3":
        # A Xing header, which ffmpeg writes by itself, says how long it is and what to trim.
        return {"c:a": "libmp3lame", "format": "mp3", **shared}
    # The header first: a player begins with the first bytes that it has.
    return {"c:a": "aac", "format": "ipod", "movflags": "+faststart", **shared}


_GLOBAL = (
    # Never wait for a keystroke.
    "-nostdin",
    "-hide_banner",
    # No human statistics on stderr; `key=value` lines on stdout instead, twice a second.
    "-nostats",
    *("-progress", "pipe:1", "-stats_period", "0.5"),
    # The measuring filters print at this level.
    *("-loglevel", "info"),
    # The first error ends it: without this ffmpeg skips what it cannot decode and exits 0.
    "-xerror",
    *("-max_alloc", str(_MAX_ALLOC)),
    # One thread per filter graph: the encoders are what keeps the cores busy.
    *("-filter_threads", "1"),
    *("-filter_complex_threads", "1"),
)


def _guards(form: str) -> dict[str, str]:
    """Options of every input: no format and no protocol but the expected ones."""
    return {
        # A demuxer may open another one for what it finds inside: not here.
        "format_whitelist": form,
        # No URL inside a file is followed.
        "protocol_whitelist": "file",
        # Nor is another file read that a QuickTime file says its samples are in: the defaults of
        # today's versions.
        **({"enable_drefs": "0", "use_absolute_path": "0"} if form == "mov" else {}),
    }


def _decode(source: Path, sound: Sound) -> Any:
    options: dict[str, Any] = {
        **_guards(sound.form),
        # No decoder but the one that the probe saw.
        "codec_whitelist": sound.codec,
        # A frame is at most 64 KiB samples: more threads only cost.
        "threads": 1,
        # Never more than was promised, plus a second in which a longer file is noticed.
        "t": f"{sound.duration_s + 1:.3f}",
    }
    if sound.form == "wav":
        # Sixteen times as much at once as by default: each piece goes to every encoder.
        options["max_size"] = 1 << 16
    if sound.codec == "flac":
        # Check every frame's CRC, and do not conceal.
        options["err_detect"] = "crccheck+bitstream+buffer+explode"
    return ffmpeg.input(_to_latin(_url(source)), format=sound.form, **options)["a:0"]


def _resampled(rate_hz: int) -> dict[str, str]:
    """A filter of that output alone.

    One graph for all outputs would resample once, and stand still whenever the slowest encoder has
    enough: the cores would wait for each other.
    """
    # In floating point: rounding to the master's 16 bits before a lossy encoder only adds noise.
    return {"af": f"aresample={rate_hz}:osf=fltp"}


def _measure(stream: Any, files: BlockFiles) -> Any:
    measured = stream.filter(
        "ebur128",
        # True peak (4 times oversampled) beside loudness and range.
        peak="true",
        # The line per 100 ms goes to a log level that is not shown. ("quiet" is newer than 5.1.)
        framelog="verbose",
        # What is in that line becomes metadata of frames of 100 ms.
        metadata=1,
    )
    for key, path in (("M", files.momentary), ("S", files.short_term)):
        # Only that key: all of them would be 300 bytes every 100 ms.
        printing = {"mode": "print", "key": f"lavfi.r128.{key}", "file": _to_latin(_url(path))}
        measured = measured.filter("ametadata", **printing)
    return ffmpeg.output(measured.filter("volumedetect"), "-", format="null")


def _md5(stream: Any, sound: Sound, path: Path) -> Any:
    # FLAC hashes whole bytes, little-endian, signed. RFC 9639, 8.2.
    codec = f"pcm_s{sound.bit_depth}le"
    return ffmpeg.output(stream, _to_latin(_url(path)), format="md5", acodec=codec)


def _encoder(spec: RenditionSpec) -> dict[str, Any]:
    match spec.codec:
        case Codec.AAC:
            return {
                # ffmpeg's own AAC-LC encoder: the one that every build has.
                "c:a": "aac",
                "b:a": spec.bitrate_bps,
                **({"aac_coder": spec.coder} if spec.coder else {}),
            }
        case Codec.OPUS:
            return {
                "c:a": "libopus",
                "b:a": spec.bitrate_bps,
                # 20 ms: the longest frame of full quality, and a whole number of them a segment.
                "frame_duration": 20,
                # Quality decides where the bits go; `b:a` is the average.
                "vbr": "on",
            }
        case Codec.FLAC:
            return {
                "c:a": "flac",
                # 8 would be 1 % smaller for three times the work.
                "compression_level": 5,
                "frame_size": _FLAC_BLOCK,
                # The depth: s32 alone would be written as 32 bits.
                "sample_fmt": "s16" if spec.bit_depth == 16 else "s32",
                "bits_per_raw_sample": spec.bit_depth,
                # FLAC in MP4 was experimental until ffmpeg 6.
                "strict": -2,
            }
        case _:
            msg = f"no encoder for {spec.codec}"
            raise ValueError(msg)


def _muxer(spec: RenditionSpec) -> dict[str, Any]:
    return {
        "format": "mp4",
        # Edit lists count in the movie's timescale: at 1000 they would round to milliseconds.
        "movie_timescale": spec.sample_rate_hz,
        # Nothing of the master's metadata: what is published comes from the catalog.
        "map_metadata": -1,
        "map_chapters": -1,
        # No encoder name, no dates: the same master makes the same bytes.
        "bitexact": None,
    }


def _url(path: Path) -> str:
    """An absolute `file:` URL: a name such as `-x` or `concat:a|b` has no other meaning then."""
    return f"file:{path.absolute()}"


def _to_latin(text: str) -> str:
    """Each byte as a character: ffmpeg-python refuses names that are no UTF-8."""
    return os.fsencode(text).decode("latin-1")


def _from_latin(text: str) -> str:
    return os.fsdecode(text.encode("latin-1"))


def _flat(options: dict[str, str]) -> list[str]:
    return [part for name, value in options.items() for part in (f"-{name}", value)]
