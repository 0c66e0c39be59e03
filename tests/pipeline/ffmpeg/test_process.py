from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import EncoderFailed
from pipeline.ffmpeg.process import STDERR_TAIL_BYTES, Limits, end_abandoned, run
from pipeline.worker_name import this_worker

LIMITS = Limits(deadline_s=20)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def wait_for(note: Path) -> None:
    deadline = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)


def has_ended(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


async def test_output_and_the_end_of_stderr_come_back() -> None:
    code = "import sys; print('out'); sys.stderr.write('x' * 200_000 + 'end')"
    done = await run(python(code), LIMITS)
    assert done.stdout == b"out\n"
    assert len(done.stderr_tail) == STDERR_TAIL_BYTES
    assert done.stderr_tail.endswith("xend")


async def test_lines_are_handed_on_as_they_come() -> None:
    lines: list[str] = []
    done = await run(python("print('a=1'); print('b=2')"), LIMITS, lines.append)
    assert (lines, done.stdout) == (["a=1", "b=2"], b"")


async def test_failure_has_code_and_words() -> None:
    with pytest.raises(EncoderFailed) as caught:
        await run(python("import sys; sys.exit('No space left on device')"), LIMITS)
    assert caught.value.returncode == 1
    assert "disk is full" in caught.value.cause


async def test_deadline_ends_a_child_that_ignores_being_asked() -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(EncoderFailed, match="deadline"):
        await run(python(code), Limits(deadline_s=0.5))
    assert time.monotonic() - began < 10


async def test_a_cancelled_run_leaves_no_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    task = asyncio.create_task(run(python(code), LIMITS))
    await asyncio.to_thread(wait_for, note)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_running(int(note.read_text()))


async def test_a_run_that_is_cancelled_again_kills_at_once(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    task = asyncio.create_task(run(python(code), LIMITS))
    await asyncio.to_thread(wait_for, note)
    task.cancel()
    await asyncio.sleep(0.2)  # it has been asked to end, and has two seconds for that
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(has_ended, int(note.read_text()))


async def test_what_a_child_leaves_behind_when_it_ends_is_ended() -> None:
    sleeper = "import time; time.sleep(60)"
    code = (
        "import subprocess, sys; none = subprocess.DEVNULL\n"
        f"left = subprocess.Popen([sys.executable, '-c', {sleeper!r}], stdout=none, stderr=none)\n"
        "print(left.pid)"
    )
    done = await run(python(code), LIMITS)
    assert await asyncio.to_thread(has_ended, int(done.stdout))


async def test_a_failing_listener_leaves_no_process() -> None:
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.append(int(line))
        raise ValueError(line)

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(ValueError, match=r"\d+"):
        await run(python(code), LIMITS, on_line)
    assert not is_running(pids[0])


async def test_limits_hold() -> None:
    code = (
        "import resource\n"
        "for what in ('CORE', 'CPU', 'AS', 'FSIZE', 'NOFILE', 'NPROC'):"
        " print(resource.getrlimit(getattr(resource, f'RLIMIT_{what}'))[0])"
    )
    limits = Limits(deadline_s=20, file_bytes=4096, memory_bytes=1 << 30)
    done = await run(python(code), limits)
    assert done.stdout.split() == [b"0", b"20", b"1073741824", b"4096", b"64", b"4096"]
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] != 64  # ours is untouched


async def test_endless_computing_is_ended_by_its_limit() -> None:
    with pytest.raises(EncoderFailed, match="computed longer"):
        await run(python("while True: pass"), Limits(deadline_s=30, cpu_s=1))


async def test_a_child_that_does_not_get_on_is_ended() -> None:
    code = (
        "import time\nfor n in range(200): print('out_time=00:00:01', flush=True); time.sleep(0.05)"
    )
    began = time.monotonic()
    with pytest.raises(EncoderFailed, match="did not get on"):
        await run(python(code), Limits(deadline_s=30, stall_s=0.5), lambda _: None)
    assert time.monotonic() - began < 8


async def test_a_child_that_gets_on_slowly_is_not() -> None:
    code = "import time\nfor n in range(6): print(f'out_time={n}', flush=True); time.sleep(0.15)"
    await run(python(code), Limits(deadline_s=30, stall_s=0.7), lambda _: None)


async def test_the_child_has_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_SECRET", "x")
    code = (
        "import os, sys; print(sorted(os.environ), os.getpgid(0) == os.getpid(), sys.stdin.read())"
    )
    done = await run(python(code), LIMITS)
    assert b"HEADWATER_SECRET" not in done.stdout
    assert b"True" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel does this on Linux only")
async def test_the_child_is_a_batch_job_that_interrupts_nobody() -> None:
    done = await run(python("import os; print(os.sched_getscheduler(0))"), LIMITS)
    assert int(done.stdout) == os.SCHED_BATCH


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import asyncio, sys; from pipeline.ffmpeg.process import end_abandoned, Limits, run\n"
        f"child = \"import os, time; open({str(note)!r}, 'w').write(str(os.getpid()));"
        ' time.sleep(60)"\n'
        "asyncio.run(run([sys.executable, '-c', child], Limits(deadline_s=60)))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    wait_for(note)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 5
    while is_running(int(note.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(note.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_what_a_process_that_is_gone_has_started_is_ended_and_nothing_else() -> None:
    host, _, place = this_worker().rpartition(".")
    gone = f"{host.partition(':')[0]}:{os.getpid()}@1.{place}"  # that number is another's now
    abandoned, ours = (
        subprocess.Popen(["sleep", "60"], env={**os.environ, "HEADWATER_STARTED_BY": name})
        for name in (gone, this_worker())
    )
    try:
        assert end_abandoned() >= 1
        assert abandoned.wait(5) == -signal.SIGKILL
        assert ours.poll() is None
    finally:
        ours.kill()
        ours.wait()
