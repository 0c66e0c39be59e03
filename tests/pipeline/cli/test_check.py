from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from tests.support.streams import encode_stream

KEY = "000102030405060708090a0b0c0d0e0f:101112131415161718191a1b1c1d1e1f"
OTHER = "000102030405060708090a0b0c0d0e0f:ffffffffffffffffffffffffffffffff"


def _run(*args: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(map(str, args)))
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encrypted package."""
    folder = tmp_path_factory.mktemp("song")
    encoded = encode_stream(folder, "stereo.m4a")
    _run("package", encoded, "--out", folder / "out", "--key", KEY)
    return folder / "out"


def test_a_sound_package_gives_nothing_but_notes(song: Path) -> None:
    result = _run("check", song, "--key", KEY)

    assert "0 errors, 0 warnings" in result.stderr


def test_findings_say_where_and_what_to_do(song: Path) -> None:
    result = _run("check", song / "manifest.mpd", "--key", OTHER, code=1)

    lines = result.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("error C1.frames"))
    assert "stereo.mp4: moof/traf/trun at byte " in lines[at]
    assert "check key, IV and what is encrypted" in lines[at + 1]
    assert lines[at + 2].strip().startswith("ISO/IEC 14496-12")
    assert "1 error" in result.stderr


def test_programs_get_an_object_per_finding(song: Path) -> None:
    result = _run("check", song, "--json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert "C1.key" in {one["rule"] for one in found}
    assert {"rule", "severity", "file", "path", "offset", "clause", "problem", "remedy"} <= set(
        found[0]
    )
    assert result.stderr == ""


def test_no_key_is_ever_shown(song: Path) -> None:
    for key in (KEY, OTHER):
        result = CliRunner().invoke(main, ["check", str(song), "--key", key, "--json"])
        assert key.partition(":")[2] not in result.output


def test_wrong_usage(tmp_path: Path) -> None:
    assert "no such file" in _run("check", tmp_path / "none.mpd", code=2).stderr
    assert "nothing to check" in _run("check", tmp_path, code=2).stderr
    (tmp_path / "x.mpd").write_text("x")
    assert "--key" in _run("check", tmp_path, "--key", "xyz", code=2).stderr
    _run("check", tmp_path, code=1)


def test_what_cannot_be_fetched_is_a_finding() -> None:
    result = _run("check", "http://127.0.0.1:9/song.mpd", code=1)

    assert result.stdout.startswith("error F1.file  http://127.0.0.1:9/song.mpd\n")
