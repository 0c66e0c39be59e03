"""What a child of ours can see and do inside bubblewrap."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.settings import FfmpegSettings
from pipeline.errors import EncoderFailed, ToolMissing
from pipeline.ffmpeg import binaries
from pipeline.ffmpeg.binaries import Tools, find_tools
from pipeline.ffmpeg.process import Confined, Limits, run
from pipeline.ffmpeg.sandbox import Room, Sandbox

SHELL = Path("/bin/sh")
LIMITS = Limits(deadline_s=20)


async def shell(sandbox: Sandbox, script: str, room: Room = Room()) -> str:  # noqa: B008 - frozen
    done = await run([str(SHELL), "-c", script], LIMITS, confined=Confined(sandbox, room))
    return done.stdout.decode()


async def test_only_the_master_and_the_folder_are_there(sandbox: Sandbox, tmp_path: Path) -> None:
    master, folder, other = tmp_path / "a b.wav", tmp_path / "work", tmp_path / "secret"
    master.write_text("sound")
    other.write_text("secret")
    folder.mkdir()
    room = Room((master,), (folder,))
    said = await shell(
        sandbox,
        f"cat '{master}'; echo out > '{folder}/new'; ls '{tmp_path}'; cat '{other}' 2>&1;"
        " ls /home /root /etc /work 2>&1; true",
        room,
    )
    assert said.startswith("sound")
    assert (folder / "new").read_text() == "out\n"
    assert said.splitlines()[:2] == ["sounda b.wav", "work"]
    assert "cannot open" in said or "No such file" in said
    assert "secret\n" not in said
    assert "passwd" not in said


async def test_the_master_and_the_system_cannot_be_written(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    master = tmp_path / "a.wav"
    master.write_text("sound")
    script = f"(echo x > '{master}') 2>&1; (echo x > /usr/x) 2>&1; true"
    said = await shell(sandbox, script, Room((master,)))
    assert said.count("Read-only") == 2
    assert master.read_text() == "sound"


async def test_there_is_no_network_and_no_other_process(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            "import os, socket\n"
            "print(os.getpid() < 10, sorted(name for _, name in socket.if_nameindex()))\n"
            f"try: socket.create_connection(('127.0.0.1', {port}), 2)\n"
            "except OSError as e: print('refused')\n"
            f"try: os.kill({os.getpid()}, 0)\n"
            "except OSError as e: print('no such process')\n"
        )
        done = await run([str(_python()), "-c", code], LIMITS, confined=Confined(sandbox))
    assert done.stdout.decode().splitlines() == ["True ['lo']", "refused", "no such process"]


async def test_limits_hold_inside(sandbox: Sandbox, tmp_path: Path) -> None:
    confined = Confined(sandbox, Room((), (tmp_path,)))
    script = f"head -c 100000 /dev/zero > '{tmp_path}/big'; true"
    limits = Limits(deadline_s=20, file_bytes=4096)
    with pytest.raises(EncoderFailed):
        await run([str(SHELL), "-c", f"exec {script}"], limits, confined=confined)
    assert (tmp_path / "big").stat().st_size == 4096


async def test_a_crash_inside_is_told(sandbox: Sandbox) -> None:
    crash = [str(_python()), "-c", "import ctypes; ctypes.string_at(0)"]
    with pytest.raises(EncoderFailed, match="crashed on it"):
        await run(crash, LIMITS, confined=Confined(sandbox))


@pytest.mark.slow
async def test_computing_inside_is_ended_by_its_limit(sandbox: Sandbox) -> None:
    endless = [str(_python()), "-c", "while True: pass"]
    with pytest.raises(EncoderFailed, match="computed longer"):
        await run(endless, Limits(deadline_s=40, cpu_s=1), confined=Confined(sandbox))


async def test_its_cpu_time_counts_as_ours(sandbox: Sandbox) -> None:
    """What measures the cost of an ingest must see it."""
    code = "import time\nwhile time.process_time() < 0.4: pass"
    before = _children_cpu_s()
    await run([str(_python()), "-c", code], LIMITS, confined=Confined(sandbox))
    assert _children_cpu_s() - before > 0.35


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _python() -> Path:
    """The system's: ours is outside of what can be seen."""
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("the system has no python3")
    return python


async def test_nothing_is_left_after_a_deadline(sandbox: Sandbox, tmp_path: Path) -> None:
    """The sandbox's process dies, and takes all that is inside along."""
    mark = f"{time.time_ns() % 10_000_000}.25"
    confined = Confined(sandbox)
    with pytest.raises(EncoderFailed, match="deadline"):
        await run(
            [str(SHELL), "-c", f"sleep {mark} & sleep {mark}"],
            Limits(deadline_s=0.5),
            confined=confined,
        )
    await asyncio.to_thread(_wait_until, lambda: not _running(mark))


async def test_how_it_ended_inside_is_how_it_ended(sandbox: Sandbox) -> None:
    mark = f"{time.time_ns() % 10_000_000}.5"
    argv = ["/bin/sleep", mark]
    running = asyncio.create_task(run(argv, Limits(deadline_s=60), confined=Confined(sandbox)))
    await asyncio.to_thread(_wait_until, lambda: bool(_running(mark)))
    os.kill(int(_running(mark)[0].parent.name), signal.SIGKILL)
    with pytest.raises(EncoderFailed, match="was killed") as caught:
        await running
    assert caught.value.returncode == -signal.SIGKILL


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.03)


def _running(mark: str) -> list[Path]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"/bin/sleep", mark.encode()] or words[:2] == [b"sleep", mark.encode()]:
            found.append(path)
    return found


async def test_a_killed_parent_takes_the_sandbox_along(sandbox: Sandbox) -> None:
    mark = f"{time.time_ns() % 10_000_000}.75"
    code = (
        "import asyncio\n"
        "from pipeline.ffmpeg.process import Confined, Limits, run\n"
        "from pipeline.ffmpeg.sandbox import find_sandbox\n"
        f"argv = ['/bin/sleep', '{mark}']\n"
        "asyncio.run(run(argv, Limits(deadline_s=60), confined=Confined(find_sandbox())))"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    await asyncio.to_thread(_wait_until, lambda: bool(_running(mark)))
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await asyncio.to_thread(_wait_until, lambda: not _running(mark))


async def test_ffmpeg_runs_in_it_where_it_can(sandbox: Sandbox) -> None:
    assert (await find_tools(FfmpegSettings())).sandbox == sandbox
    assert (await find_tools(FfmpegSettings(sandbox="required"))).sandbox == sandbox
    assert (await find_tools(FfmpegSettings(sandbox="off"))).sandbox is None


def a_bubblewrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, that: str, log: Path
) -> Sandbox:
    """One of our own in place of the machine's; it notes each time that it is run."""
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\necho x >> '{log}'\n{that}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(binaries, "find_sandbox", lambda: Sandbox(fake))
    return Sandbox(fake)


async def test_a_bubblewrap_that_is_late_is_not_given_up(
    sandbox: Sandbox, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy disk, when it is first read, costs nobody the sandbox: once more, or not at all."""
    log = tmp_path / "log"
    slow_once = f"[ $(wc -l < '{log}') -gt 2 ] || exec sleep 60\nexec {sandbox.bwrap} \"$@\""
    fake = a_bubblewrap(tmp_path, monkeypatch, that=slow_once, log=log)
    settings = FfmpegSettings(ffmpeg=tools.ffmpeg, ffprobe=tools.ffprobe)
    assert (await find_tools(settings, (0.5, 20))).sandbox == fake
    a_bubblewrap(tmp_path, monkeypatch, that="exec sleep 60", log=log)
    with pytest.raises(ToolMissing, match="its deadline"):
        await find_tools(settings, (0.2, 0.2))


async def test_a_bubblewrap_that_does_not_work_is_none_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = "echo 'no user namespaces here' >&2\nexit 1"
    a_bubblewrap(tmp_path, monkeypatch, that=said, log=tmp_path / "log")
    assert (await find_tools(FfmpegSettings())).sandbox is None
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "bubblewrap is there and cannot be used" in record.getMessage()
    with pytest.raises(ToolMissing, match="bubblewrap cannot be used"):
        await find_tools(FfmpegSettings(sandbox="required"))
