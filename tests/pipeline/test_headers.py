from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadMaster
from pipeline.headers import read_claim
from tests.support import masters

# A whole number of 8 bytes: ffmpeg's Wave64 writer counts its padding as audio.
SIGNAL = masters.music(0.24)
COUNT = len(SIGNAL)


def test_wav_claims_what_it_holds(tmp_path: Path) -> None:
    assert read_claim(masters.wav(tmp_path / "a.wav", SIGNAL), "wav").samples == COUNT


def test_rf64_takes_its_size_from_ds64(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", SIGNAL, form="RF64")
    assert read_claim(path, "wav").samples == COUNT


def test_truncated_wav_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = masters.truncate(masters.wav(tmp_path / "a.wav", SIGNAL))
    with pytest.raises(BadMaster, match=rf"promises {COUNT} samples, the file holds \d+"):
        read_claim(path, "wav")


def test_truncated_rf64_is_refused(tmp_path: Path) -> None:
    path = masters.truncate(masters.wav(tmp_path / "a.wav", SIGNAL, form="RF64"))
    with pytest.raises(BadMaster, match="truncated"):
        read_claim(path, "wav")


def test_streamed_wav_counts_to_the_end_of_the_file_and_says_so(tmp_path: Path) -> None:
    claim = read_claim(masters.wav(tmp_path / "a.wav", SIGNAL, data_size=0xFFFFFFFF), "wav")
    assert claim.samples == COUNT
    assert claim.note is not None


def test_unfinished_wav_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMaster, match="says it holds no audio"):
        read_claim(masters.wav(tmp_path / "a.wav", SIGNAL, data_size=0), "wav")


def test_wav_without_a_data_chunk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\x04\x00\x00\x00WAVE")
    with pytest.raises(BadMaster, match="no `data` chunk"):
        read_claim(path, "wav")


@pytest.mark.parametrize("form", ["w64", "aiff", "caf", "flac"])
def test_other_forms_claim_what_they_hold(tmp_path: Path, form: str) -> None:
    source = masters.wav(tmp_path / "a.wav", SIGNAL)
    path = masters.encoded(tmp_path / f"a.{form}", source)
    assert read_claim(path, form).samples == COUNT


@pytest.mark.parametrize("form", ["w64", "aiff"])
def test_other_forms_are_refused_when_truncated(tmp_path: Path, form: str) -> None:
    source = masters.wav(tmp_path / "a.wav", SIGNAL)
    path = masters.truncate(masters.encoded(tmp_path / f"a.{form}", source))
    with pytest.raises(BadMaster, match=f"promises {COUNT} samples"):
        read_claim(path, form)


def test_truncated_caf_is_refused(tmp_path: Path) -> None:
    source = masters.wav(tmp_path / "a.wav", SIGNAL)
    path = masters.truncate(masters.encoded(tmp_path / "a.caf", source, "-c:a", "pcm_s16be"))
    with pytest.raises(BadMaster, match="truncated"):
        read_claim(path, "caf")


def test_flac_header_names_the_md5_of_its_samples(tmp_path: Path) -> None:
    path = masters.flac(tmp_path / "a.flac", SIGNAL)
    assert read_claim(path, "flac").md5 == hashlib.md5(masters.pcm(SIGNAL, 16)).hexdigest()


def test_flac_that_does_not_know_itself_claims_nothing(tmp_path: Path) -> None:
    data = bytearray(masters.flac(tmp_path / "a.flac", SIGNAL).read_bytes())
    data[21] &= 0xF0
    data[22:42] = bytes(20)
    path = tmp_path / "b.flac"
    path.write_bytes(data)
    claim = read_claim(path, "flac")
    assert (claim.samples, claim.md5) == (None, None)


@given(
    form=st.sampled_from(["wav", "w64", "aiff", "caf", "flac"]),
    flips=st.lists(st.tuples(st.integers(0, 119), st.integers(0, 255)), max_size=8),
    length=st.integers(0, 400),
)
def test_any_bytes_give_a_claim_or_a_bad_master(
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    flips: list[tuple[int, int]],
    length: int,
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = masters.wav(folder / "a.wav", SIGNAL[:100])
    data = bytearray(path.read_bytes()[:length])
    for place, value in flips:
        if place < len(data):
            data[place] = value
    path.write_bytes(data)
    try:
        read_claim(path, form)
    except BadMaster:
        pass
    finally:
        shutil.rmtree(folder)
