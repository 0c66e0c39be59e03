from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from tests.support.cli_home import TRACK_ID, Home

HEADWATER = Path(sys.executable).with_name("headwater")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def _headwater(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {name: text for name, text in os.environ.items() if not name.startswith("HEADWATER")}
    return subprocess.run(
        [str(HEADWATER), *args],
        env=env | {"HEADWATER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_command_says_what_it_does() -> None:
    for path in _commands(main):
        result = CliRunner().invoke(main, [*path, "--help"])
        assert result.exit_code == 0, path
        sentence = result.stdout.splitlines()[2].strip()
        assert sentence[:1].isupper(), path
        listed = result.stdout.partition("Commands:")[2]
        assert "..." not in listed, path  # each in its line, and not cut off


def test_the_program_tells_its_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout.split()[-1][0].isdigit()


def test_no_output_holds_a_secret(album: Home) -> None:
    """Whatever a command says, and whatever goes wrong in it, at the highest verbosity."""
    secrets = set()
    for name in ("kek.json", "tokens.json"):
        secrets.update(re.findall(r"[0-9a-f]{64}", (album.path / name).read_text()))
    assert len(secrets) == 3
    spellings = {spelling for one in secrets for spelling in (one, repr(bytes.fromhex(one)))}
    (album.path / "kek.json").chmod(0o644)
    said = ""
    play, serve = f"play {TRACK_ID}", "serve --port 0"
    for command in ("config show", "token mint", play, "track list", serve):
        args = ["-vv", "--home", str(album.path), *command.split()]
        said += CliRunner().invoke(main, args).output
    assert "Traceback" in said, "serve refuses the loose permissions"
    assert not [spelling for spelling in spellings if spelling in said]


def test_an_unknown_command_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["rewind"])
    assert result.exit_code == 2
    assert "rewind" in result.stderr


def test_a_traceback_is_shown_with_vv_only(home: Home) -> None:
    home.run("token", "mint")
    (home.path / "tokens.json").write_text("{}")
    (home.path / "tokens.json").chmod(0o600)
    for verbosity, shown in (("", False), ("-v", False), ("-vv", True)):
        args = ["--home", str(home.path), *([verbosity] if verbosity else []), "token", "mint"]
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 1
        assert ("Traceback" in result.stderr) is shown
        assert "not a JSON object" in result.stderr.splitlines()[-1]


def test_a_bug_is_one_line_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("pipeline.cli.token.open_tokens", broken)
    result = home.run("token", "mint", code=1)
    assert result.stderr == (
        "headwater: KeyError: 'surprise' (a bug: please report it with what -vv prints)\n"
    )


def test_a_name_cannot_forge_a_line(album: Home) -> None:
    result = album.run("play", "a\nb\x1b[2J", code=1)
    assert result.stderr.startswith(r"a\nb\x1b[2J: no track")
    assert result.stderr.count("\n") == 1


def test_a_file_in_the_place_of_home_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    result = Home(tmp_path / "home").run("track", "list", code=2)
    assert str(tmp_path / "home") in result.stderr


def test_the_settings_file_is_read(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("origin:\n  prot: 1\n")
    args = ["--config", str(file), "--home", str(home.path), "track", "list"]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2
    assert f"{file}:2" in result.stderr
    assert "prot" in result.stderr


@pytest.mark.slow
def test_the_installed_program_keeps_results_and_errors_apart(album: Home) -> None:
    good = _headwater(album.path, "track", "list")
    assert (good.returncode, good.stderr) == (0, "")
    assert TRACK_ID in good.stdout
    failed = _headwater(album.path, "play", "nothing")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("nothing: no track")
    assert _headwater(album.path, "play").returncode == 2


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(album: Home) -> None:
    command = f"{HEADWATER} --home {album.path} config show | true"
    result = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stderr == ""
