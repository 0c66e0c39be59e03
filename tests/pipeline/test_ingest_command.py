"""`headwater ingest` as an operator runs it: a process of its own, ended in every way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import masters

HEADWATER = [sys.executable, "-c", "from pipeline.cli import main; main()"]
ROOT = Path(__file__).parents[2]


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "HEADWATER" not in name}
    return {**kept, "HEADWATER_HOME": str(home), "PYTHONPATH": str(ROOT)}


def run(home: Path, *args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [*HEADWATER, "ingest", *map(str, args)]
    return subprocess.run(
        command, env=environment(home) | env, capture_output=True, text=True, check=False
    )


def objects(home: Path) -> list[str]:
    return sorted(one.name for one in (home / "storage").rglob("*") if one.is_file())


@pytest.mark.slow
def test_one_object_for_each_track_on_stdout_and_words_on_stderr(tmp_path: Path) -> None:
    good = masters.wav(tmp_path / "good.wav", masters.music(0.5))
    bad = tmp_path / "bad.flac"
    bad.write_text("hello\n")
    done = run(tmp_path / "home", "--json", good, bad)
    assert done.returncode == 1
    said = {one["source"]: one for one in map(json.loads, done.stdout.splitlines())}
    published, failed = said[str(good)], said[str(bad)]
    assert published["status"] == "published"
    assert published["title"] == "good"
    assert published["duration_s"] == 0.5
    assert published["error"] is None
    assert published["seconds"] > 0
    assert Path(published["hls"]).is_file()
    assert Path(published["dash"]).is_file()
    names = [one["name"] for one in published["renditions"]]
    assert sorted(names) == ["aac-128k", "aac-320k", "aac-64k", "flac", "opus-96k"]
    assert all(one["bytes"] > 0 and one["tier"] for one in published["renditions"])
    assert failed["status"] == "failed"
    assert failed["error"].startswith(f"{bad}: it is a text file")
    assert "1 published, 1 failed" in done.stderr
    again = run(tmp_path / "home", "--json", good)
    assert again.returncode == 0
    assert json.loads(again.stdout)["status"] == "unchanged"


@pytest.mark.parametrize(
    "args", [["gone.wav"], ["--jobs", "0", "x"], ["--scheme", "rot13", "x"], ["."], []]
)
def test_wrong_usage_is_2(tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [*HEADWATER, "ingest", *args],
        env=environment(tmp_path / "home"),
        cwd=tmp_path / "empty",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_id_is_for_one_master(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        masters.wav(tmp_path / name, masters.music(0.2))
    done = run(tmp_path / "home", "--id", "mine", tmp_path)
    assert done.returncode == 2
    assert "--id names one track" in done.stderr


def test_a_missing_ffmpeg_is_one_line(tmp_path: Path, wav: Path) -> None:
    done = run(tmp_path / "home", wav, HEADWATER_FFMPEG__FFMPEG="/nonexistent/ffmpeg")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "/nonexistent/ffmpeg is not a program" in line
    assert "apt install ffmpeg" in line


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="root becomes somebody else"
)
def test_no_permission_to_read_is_one_line(tmp_path: Path) -> None:
    home = Path(f"/tmp/headwater-test-{os.getpid()}")
    home.mkdir()
    try:
        shutil.chown(home, 65534, 65534)
        path = masters.wav(home / "secret.wav", masters.music(0.2))
        path.chmod(0o600)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *HEADWATER]
        done = subprocess.run(
            [*command, "ingest", str(path)],
            env=environment(home / "home") | {"PYTHONDONTWRITEBYTECODE": "1"},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(home)
    assert done.returncode == 1
    assert f"{path}: no permission to read it (check the file's owner and mode)" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    ).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    tmp_path: Path, small_disk: Path
) -> None:
    large = masters.wav(tmp_path / "large.wav", masters.music(12, 96_000), 96_000, 24)
    small = masters.wav(tmp_path / "small.wav", masters.music(0.5))
    home = tmp_path / "home"
    settings = {
        "HEADWATER_INGEST__TEMP": str(small_disk / "tmp"),
        "HEADWATER_JOBS__ATTEMPTS": "2",
        "HEADWATER_JOBS__BACKOFF_S": "0",
    }
    done = run(home, "--jobs", "1", large, small, **settings)
    assert done.returncode == 1
    assert f"{large}: the disk is full" in done.stderr
    assert "attempt 1 of 2" in done.stderr
    assert "published: small" in done.stderr
    assert list((small_disk / "tmp").iterdir()) == [small_disk / "tmp/lock"]


@pytest.mark.slow
def test_a_full_storage_is_one_line_and_leaves_nothing(tmp_path: Path, small_disk: Path) -> None:
    large = masters.wav(tmp_path / "large.wav", masters.music(12, 96_000), 96_000, 24)
    home = tmp_path / "home"
    settings = {
        "HEADWATER_STORAGE__PATH": str(small_disk / "storage"),
        "HEADWATER_JOBS__ATTEMPTS": "1",
    }
    done = run(home, large, **settings)
    assert done.returncode == 1
    assert f"{large}: " in done.stderr
    assert "no space left" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert [one for one in (small_disk / "storage").rglob("*") if one.is_file()] == []


def start(home: Path, *args: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*HEADWATER, "ingest", *map(str, args)],
        env=environment(home),
        stderr=subprocess.PIPE,
        text=True,
        # A shell may have made its children deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def wait_until(what: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def encoders_of(home: Path) -> list[int]:
    """Processes that write into this HOME."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = one.read_bytes()
        except OSError:
            continue
        if f"{home}/tmp/ingest-".encode() in command and b"-filter_complex" in command:
            found.append(int(one.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_ingest_ends_its_encoders_and_cleans_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = masters.wav(tmp_path / "long.wav", masters.music(40))
    home = tmp_path / "home"
    process = start(home, path)
    wait_until(lambda: encoders_of(home))
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert encoders_of(home) == []
    assert [one.name for one in (home / "tmp").iterdir()] == ["lock"]
    assert objects(home) == []


@pytest.mark.slow
def test_a_killed_ingest_is_cleaned_up_by_the_next_one(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "long.wav", masters.music(40))
    home = tmp_path / "home"
    process = start(home, path)
    wait_until(lambda: encoders_of(home))
    process.kill()
    process.communicate()
    wait_until(lambda: not encoders_of(home), 10)
    (left,) = (home / "tmp").glob("ingest-*")
    # As if it had been killed while it stored: objects that no catalog knows.
    prefix = "tracks/t" + "a" * 20 + "/" + "0" * 16 + "/"
    next(left.glob("[0-9]*")).joinpath("prefix").write_text(prefix)
    orphan = home / "storage" / prefix / "flac.mp4"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half")
    small = masters.wav(tmp_path / "small.wav", masters.music(0.5))
    assert run(home, small).returncode == 0
    assert not left.exists()
    assert not orphan.exists()
    assert "package.json" in objects(home)
