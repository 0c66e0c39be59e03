from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from catalog.album_loudness import TrackLoudness, album_loudness
from configs.ladder import load_ladder
from packager.demux import demux
from packager.model import Codec
from pipeline.cores import Cores
from pipeline.errors import EncoderFailed
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.encode import encode, plan
from pipeline.ladder import choose
from pipeline.sound import Sound
from tests.support import masters


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
        cores=Cores(),
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
    made = await encode(any_tools, path, sound, [], tmp_path, cores=Cores())
    assert made.loudness.integrated_lufs == pytest.approx(-23.0, abs=0.1)
    assert made.loudness.true_peak_dbtp == pytest.approx(-23.0, abs=0.2)


async def test_an_album_is_as_loud_as_its_masters_played_in_a_row(
    any_tools: Tools, tmp_path: Path
) -> None:
    """The blocks of each master, gated together, against the meter over all of them at once."""
    swell = np.sin(np.linspace(0, np.pi, 30 * 44_100))[:, np.newaxis]  # begins and ends softly
    signals = [
        masters.music(30, seed=1) * swell,
        masters.music(40, seed=2) * 0.02,  # far below the album's gate
        masters.music(30, seed=3) * swell**2 * 1.9,
        np.zeros((44_100, 2)),
    ]
    measured = []
    for number, signal in enumerate([*signals, np.concatenate(signals)]):
        path = masters.wav(tmp_path / f"{number}.wav", signal, bits=24)
        sound = Sound("wav", "pcm_s24le", 44_100, 2, 24, is_float=False, samples=len(signal))
        measured.append(await encode(any_tools, path, sound, [], tmp_path, cores=Cores()))
    *apart, together = measured
    album = album_loudness(TrackLoudness(one.blocks, one.loudness.true_peak_dbtp) for one in apart)
    assert album.integrated_lufs == pytest.approx(together.loudness.integrated_lufs, abs=0.1)
    assert album.true_peak_dbtp == together.loudness.true_peak_dbtp
    # Blocks of 3 s across two masters are missing: a tenth of all, in masters as short as these.
    assert album.loudness_range_lu == pytest.approx(together.loudness.range_lu, abs=2)
    # Of one programme the blocks say what the meter says.
    alone = album_loudness([TrackLoudness(together.blocks, None)])
    assert alone.integrated_lufs == pytest.approx(together.loudness.integrated_lufs, abs=0.1)
    assert alone.loudness_range_lu == pytest.approx(together.loudness.range_lu, abs=0.2)


async def test_a_folder_of_any_name_takes_the_measurements(
    any_tools: Tools, wav: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "it's [a], b; c:d\\e='f' %20"
    folder.mkdir()
    sound = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=132_432)
    made = await encode(any_tools, wav, sound, [], folder, cores=Cores())
    assert made.blocks.momentary.blocks == 27  # 30 of 100 ms; the first three are not full yet
    assert list(folder.iterdir()) == []


async def test_a_broken_frame_ends_it(any_tools: Tools, tmp_path: Path) -> None:
    signal = masters.music(3)
    path = masters.break_frame(masters.flac(tmp_path / "a.flac", signal))
    sound = Sound("flac", "flac", 44_100, 2, 16, is_float=False, samples=len(signal))
    with pytest.raises(EncoderFailed, match="damaged"):
        await encode(
            any_tools, path, sound, choose(sound, load_ladder(None)), tmp_path, cores=Cores()
        )


def test_an_older_ffmpeg_has_a_process_per_rendition_the_longest_first() -> None:
    sound = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=44_100)
    outputs = [(spec, Path(spec.name)) for spec in choose(sound, load_ladder(None))]
    assert [part.measure for part in plan(outputs, in_one=True)] == [True]
    parts = plan(outputs, in_one=False)
    names = [part.outputs[0][0].name for part in parts if part.outputs]
    assert names == ["aac-320k", "aac-128k", "aac-64k", "opus-96k", "flac"]
    assert [part.measure for part in parts] == [False] * 5 + [True]
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
