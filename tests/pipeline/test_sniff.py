from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import BadMaster
from pipeline.sniff import sniff

GUID_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"BW64\xff\xff\xff\xffWAVEds64", "wav"),
        (GUID_RIFF + b"\x00" * 24, "w64"),
        (b"fLaC\x00\x00\x00\x22", "flac"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x02..fLaC\x00", "flac"),
        (b"FORM\x00\x00\x00\x00AIFFCOMM", "aiff"),
        (b"FORM\x00\x00\x00\x00AIFCCOMM", "aiff"),
        (b"\x00\x00\x00\x20ftypM4A ", "mov"),
        (b"caff\x00\x01\x00\x00desc", "caf"),
    ],
)
def test_format_follows_the_first_bytes(tmp_path: Path, head: bytes, form: str) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(head)
    assert sniff(path) == form


@pytest.mark.parametrize(
    ("head", "cause"),
    [
        (b"", "the file is empty"),
        (b"hello, this is a text\n", "a text file"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "a playlist"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x02..\xff\xfb\x90\x00", "an MP3"),
        (b"\xff\xfb\x90\x00\x00\x00", "MPEG audio"),
        (b"OggS\x00\x02", "an Ogg file"),
        (b"\x1aE\xdf\xa3\x01", "a Matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "not an audio file"),
        (b"\x00" * 64, "not an audio file"),
    ],
)
def test_what_is_no_master_is_named(tmp_path: Path, head: bytes, cause: str) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(head)
    with pytest.raises(BadMaster) as caught:
        sniff(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert cause in str(caught.value)


def test_a_file_that_is_gone_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadMaster, match="No such file"):
        sniff(tmp_path / "gone.wav")
