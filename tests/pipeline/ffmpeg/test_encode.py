from __future__ import annotations

import hashlib
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from configs.ladder import load_ladder
from packager.demux import demux
from packager.model import Codec
from pipeline.errors import EncoderFailed
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.encode import encode, plan
from pipeline.ladder import choose
from pipeline.sound import Sound
from tests.support import masters


class _Slot(nullcontext[None]):
    """Room for everybody."""


async def test_all_renditions_have_the_masters_length(any_tools: Tools, wav: Path) -> None:
    signal = masters.music(3.003)
    sound = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=len(signal))
    specs = choose(sound, load_ladder(None))
    parts: list[float] = []
    made = await encode(
        any_tools,
        wav,
        sound,
        specs,
        wav.parent,
        slot=_Slot,
        with_md5=True,
        on_progress=parts.append,
    )
    assert made.samples == len(signal)
    assert made.md5 == hashlib.md5(masters.pcm(signal, 16)).hexdigest()
    assert parts[-1] == pytest.approx(1.0)
    for spec in specs:
        with made.files[spec.name].open("rb") as file:
            track = demux(file)
        expected = spec.samples_of(sound.samples, sound.sample_rate_hz)
        assert abs(track.trim.samples - expected) <= (16 if spec.resampled else 0)
        assert (track.config.codec, track.config.timescale) == (spec.codec, spec.sample_rate_hz)
        assert (track.trim.delay > 0) == (spec.codec is not Codec.FLAC)


async def test_loudness_of_a_sine(any_tools: Tools, tmp_path: Path) -> None:
    # EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS.
    time = np.arange(48_000 * 4) / 48_000
    sine = np.stack([10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time)] * 2, axis=1)
    path = masters.wav(tmp_path / "sine.wav", sine, rate=48_000, bits=24)
    sound = Sound("wav", "pcm_s24le", 48_000, 2, 24, is_float=False, samples=len(sine))
    made = await encode(any_tools, path, sound, [], tmp_path, slot=_Slot)
    assert made.loudness.integrated_lufs == pytest.approx(-23.0, abs=0.1)
    assert made.loudness.true_peak_dbtp == pytest.approx(-23.0, abs=0.2)


async def test_a_broken_frame_ends_it(any_tools: Tools, tmp_path: Path) -> None:
    signal = masters.music(3)
    path = masters.break_frame(masters.flac(tmp_path / "a.flac", signal))
    sound = Sound("flac", "flac", 44_100, 2, 16, is_float=False, samples=len(signal))
    with pytest.raises(EncoderFailed, match="damaged"):
        await encode(any_tools, path, sound, choose(sound, load_ladder(None)), tmp_path, slot=_Slot)


def test_an_older_ffmpeg_has_a_process_per_rendition_the_longest_first() -> None:
    sound = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=44_100)
    outputs = [(spec, Path(spec.name)) for spec in choose(sound, load_ladder(None))]
    assert [part.measure for part in plan(outputs, in_one=True)] == [True]
    parts = plan(outputs, in_one=False)
    names = [part.outputs[0][0].name for part in parts if part.outputs]
    assert names == ["aac-320k", "aac-128k", "aac-64k", "opus-96k", "flac"]
    assert [part.measure for part in parts] == [False] * 5 + [True]
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
