from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from tests.support.streams import encode_stream


def _run(*args: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["dump", *map(str, args)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode_stream(tmp_path_factory.mktemp("song"), "stereo.m4a")


def test_people_get_a_tree(song: Path) -> None:
    lines = _run(song).stdout.splitlines()

    assert lines[0] == "[ftyp] offset=0 size=8+20"
    assert any(line.strip() == "handler_type = soun" for line in lines)


def test_programs_get_one_document(song: Path) -> None:
    document = json.loads(_run(song, "--json").stdout)

    assert document["size"] == song.stat().st_size
    assert [box["type"] for box in document["boxes"]] == ["ftyp", "free", "mdat", "moov"]
    assert sum(box["size"] for box in document["boxes"]) == document["size"]


def test_a_broken_file_is_shown_as_far_as_it_goes(song: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.m4a"
    path.write_bytes(song.read_bytes()[:5000])

    assert "  ! is " in _run(path).stdout


def test_what_is_no_mp4_is_refused_and_titles_do_not_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    path.write_bytes(b"fLaC" + bytes(20))
    shown = _run(path, code=1).stderr
    assert shown == f"{path}: does not begin with a box: not an MP4 file (at byte 0)\n"

    name = b"\x1b[2Jevil\0"
    body = bytes(8) + b"soun" + bytes(12) + name
    path.write_bytes((len(body) + 8).to_bytes(4, "big") + b"hdlr" + body)
    assert "\\x1b[2Jevil" in _run(path).stdout
