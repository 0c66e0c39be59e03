from __future__ import annotations

import os
from pathlib import Path

import pytest

from configs.bounds import SAID_BYTES, SIDECAR_BYTES
from origin.uploads import tus
from pipeline.errors import BadMaster
from pipeline.sidecar import Sidecar, folder_cover, read_sidecar, write_sidecar


def test_sidecar_gives_fields_and_the_operators_own_id(tmp_path: Path) -> None:
    master = tmp_path / "song.wav"
    (tmp_path / "song.wav.yaml").write_text("id: 17\ntitle: Prelude\nartists: [Ada, Bo]\n")
    assert read_sidecar(master) == Sidecar({"title": ("Prelude",), "artists": ("Ada", "Bo")}, "17")


def test_no_sidecar_says_nothing(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path / "song.wav") == Sidecar()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("titel: Prelude", "unknown keys: titel"),
        ("- a\n- b", "not a mapping"),
        ("title: [", "cannot be read"),
        ("!!python/object/apply:os.system [id]", "cannot be read"),
    ],
)
def test_a_wrong_sidecar_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "song.wav.yaml").write_text(text)
    with pytest.raises(BadMaster, match=cause):
        read_sidecar(tmp_path / "song.wav")


def test_cover_beside_the_master_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "Front.PNG").write_bytes(b"front")
    (tmp_path / "COVER.jpg").write_bytes(b"cover")
    assert folder_cover(tmp_path / "song.wav", 100) == b"cover"
    assert folder_cover(tmp_path / "song.wav", 2) == b"cov"  # one more than allowed: refused later


@pytest.mark.parametrize(
    "text",
    [
        "title: &a [x]\nartist: [*a, *a]\n",
        "title: {a: b}\n",
        "title: !!binary aGVsbG8=\n",
        "title: " + "9" * 5000 + "\n",
        "title: " + "[" * 20_000 + "\n",
        "title: !!python/object/apply:os.system [ls]\n",
    ],
)
def test_what_is_no_plain_value_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.wav.yaml").write_text(text)
    with pytest.raises(BadMaster, match="sidecar"):
        read_sidecar(tmp_path / "a.wav")


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cover.jpg")
    assert folder_cover(tmp_path / "a.wav", 1000) is None
    os.mkfifo(tmp_path / "a.wav.yaml")
    with pytest.raises(BadMaster, match="not a regular file"):
        read_sidecar(tmp_path / "a.wav")


def test_a_sidecar_is_not_cut_in_silence(tmp_path: Path) -> None:
    (tmp_path / "a.wav.yaml").write_text("title: " + "A" * SIDECAR_BYTES)
    with pytest.raises(BadMaster, match="larger than"):
        read_sidecar(tmp_path / "a.wav")


@pytest.mark.parametrize("one", ["\n", "\x01"])
def test_whatever_may_be_said_with_an_upload_can_be_read_back(tmp_path: Path, one: str) -> None:
    """However long YAML makes it: the file may be as much longer."""
    master = tmp_path / "a.master"
    lyrics = "a" + one * ((SAID_BYTES - 100) // len(one.encode())) + "z"
    assert tus.said({"lyrics": lyrics, "title": "b"}).fields["lyrics"]
    write_sidecar(master, {"lyrics": lyrics})
    assert read_sidecar(master).fields["lyrics"] == (lyrics,)
