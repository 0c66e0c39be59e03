from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path

import pytest

from configs.ladder import load_ladder
from drm.kek import LocalKek
from drm.keyring import Keyring
from packager.errors import MalformedMedia
from packager.model import Codec, Scheme
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.encode import encode
from pipeline.ladder import RenditionSpec, choose
from pipeline.packaging import Packaged, package_tracks
from pipeline.sound import Sound
from tests.support import masters

SIGNAL = masters.music(1.5)
SOUND = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=len(SIGNAL))
SPECS = choose(SOUND, load_ladder(None))


@pytest.fixture(scope="module")
def encoded(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("encoded")
    path = masters.wav(folder / "a.wav", SIGNAL)
    made = asyncio.run(encode(tools, path, SOUND, SPECS, folder, slot=nullcontext))
    return {name: file.read_bytes() for name, file in made.files.items()}


def package(
    folder: Path,
    encoded: dict[str, bytes],
    specs: tuple[RenditionSpec, ...] = SPECS,
    *,
    sound: Sound = SOUND,
    scheme: Scheme = Scheme.CBCS,
) -> Packaged:
    files = {name: folder / f"{name}.encoded.mp4" for name in encoded}
    for name, file in files.items():
        file.write_bytes(encoded[name])
    keyring = Keyring(LocalKek.open(folder / "kek.json", create=True))
    return package_tracks(
        specs, files, sound, folder, keyring=keyring, scheme=scheme, segment_s=0.5
    )


def test_one_key_for_each_tier(tmp_path: Path, encoded: dict[str, bytes]) -> None:
    made = package(tmp_path, encoded)
    kids = {one.name: one.kid for one in made.renditions}
    assert set(made.keys) == {"standard", "premium", "lossless"}
    assert kids["aac-64k"] == kids["opus-96k"] == kids["aac-128k"] == made.keys["standard"].kid
    assert len(set(kids.values())) == 3
    for key in made.keys.values():
        assert not any(key.key in file.read_bytes() for file in made.files.values())


def test_clear_tracks_have_none(tmp_path: Path, encoded: dict[str, bytes]) -> None:
    made = package(tmp_path, encoded, scheme=Scheme.CLEAR)
    assert made.keys == {}
    assert {one.kid for one in made.renditions} == {None}


def test_encoded_files_are_gone_and_sizes_are_those_of_the_files(
    tmp_path: Path, encoded: dict[str, bytes]
) -> None:
    made = package(tmp_path, encoded)
    assert not list(tmp_path.glob("*.encoded.mp4"))
    for one in made.renditions:
        assert made.files[one.name].stat().st_size == one.size


def test_segments_have_the_asked_for_length(tmp_path: Path, encoded: dict[str, bytes]) -> None:
    made = package(tmp_path, encoded, scheme=Scheme.CLEAR)
    assert {len(one.segments) for one in made.renditions} <= {3, 4}


def test_an_encoder_that_lost_samples_is_refused(tmp_path: Path, encoded: dict[str, bytes]) -> None:
    longer = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=len(SIGNAL) + 100)
    with pytest.raises(MalformedMedia, match=r"aac-64k: the encoder made \d+ samples, \d+ were"):
        package(tmp_path, encoded, sound=longer)


def test_an_encoder_that_made_something_else_is_refused(
    tmp_path: Path, encoded: dict[str, bytes]
) -> None:
    deep = RenditionSpec("flac", Codec.FLAC, "lossless", 44_100, 2, None, 24, resampled=False)
    with pytest.raises(MalformedMedia, match="flac: the encoder made"):
        package(tmp_path, encoded, (deep,))
