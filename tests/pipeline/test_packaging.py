from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from configs.ladder import load_ladder
from drm.kek import LocalKek
from drm.keyring import Keyring
from packager.boxes.base import Container, parse
from packager.boxes.protection import SampleEncryptionBox
from packager.errors import MalformedMedia
from packager.model import Codec, Scheme
from pipeline.cores import Cores
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.encode import encode
from pipeline.ladder import RenditionSpec, choose
from pipeline.packaging import KeySource, Packaged, package_tracks
from pipeline.sound import Sound
from tests.support import masters

SIGNAL = masters.music(1.5)
SOUND = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=len(SIGNAL))
SPECS = choose(SOUND, load_ladder(None))


@pytest.fixture(scope="module")
def encoded(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("encoded")
    path = masters.wav(folder / "a.wav", SIGNAL)
    made = asyncio.run(encode(tools, path, SOUND, SPECS, folder, cores=Cores()))
    return {name: file.read_bytes() for name, file in made.files.items()}


def package(
    folder: Path,
    encoded: dict[str, bytes],
    specs: tuple[RenditionSpec, ...] = SPECS,
    *,
    sound: Sound = SOUND,
    scheme: Scheme = Scheme.CBCS,
    aes128: bool = False,
) -> Packaged:
    files = {name: folder / f"{name}.encoded.mp4" for name in encoded}
    for name, file in files.items():
        file.write_bytes(encoded[name])
    keyring = Keyring(LocalKek.open(folder / "kek.json", create=True))
    return package_tracks(
        specs,
        files,
        sound,
        folder,
        keys=KeySource(keyring),
        scheme=scheme,
        segment_s=0.5,
        aes128=aes128,
    )


def test_one_key_for_each_tier(tmp_path: Path, encoded: dict[str, bytes]) -> None:
    made = package(tmp_path, encoded)
    kids = {one.name: one.kid for one in made.renditions}
    tiers = ("standard", "premium", "lossless")
    assert set(made.keys) == {(tier, Scheme.CBCS) for tier in tiers}
    assert kids["aac-64k"] == kids["opus-96k"] == kids["aac-128k"]
    assert kids["aac-64k"] == made.keys["standard", Scheme.CBCS].kid
    assert len(set(kids.values())) == 3
    for key in made.keys.values():
        assert not any(key.key in file.read_bytes() for file in made.files.values())


def test_no_two_samples_of_a_tier_share_a_counter(
    tmp_path: Path, encoded: dict[str, bytes]
) -> None:
    """packagers.md E3: under cenc a key and an IV, used twice, give away both samples."""
    made = package(tmp_path, encoded, scheme=Scheme.CENC)
    used: dict[str, list[bytes]] = {}
    for one in made.renditions:
        used.setdefault(one.tier, []).extend(_ivs(made.files[one.name]))
    assert sum(map(len, used.values())) > 200
    for ivs in used.values():
        assert len(set(ivs)) == len(ivs)


def _ivs(file: Path) -> list[bytes]:
    boxes = [
        moof.inside(b"traf").get(SampleEncryptionBox)
        for moof in parse(file.read_bytes())
        if isinstance(moof, Container) and moof.kind == b"moof"
    ]
    return [box.ivs[at : at + 8] for box in boxes for at in range(0, len(box.ivs), 8)]


def test_second_files_have_keys_and_ivs_of_their_own(
    tmp_path: Path, encoded: dict[str, bytes]
) -> None:
    made = package(tmp_path, encoded, aes128=True)
    seconds = {one.name: one.aes128 for one in made.renditions if one.aes128}
    assert set(seconds) == {"aac-64k", "aac-128k", "aac-320k", "flac"}  # Safari plays no Opus
    assert len({one.iv for one in seconds.values()}) == 4
    assert len({one.kid for one in made.renditions} | {one.kid for one in seconds.values()}) == 6
    assert len({key.key for key in made.keys.values()}) == len(made.keys) == 6
    assert all(one.file in {file.name for file in made.files.values()} for one in seconds.values())


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
