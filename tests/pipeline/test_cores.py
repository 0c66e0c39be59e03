from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cores import Cores, available_cores, divide, keep_to
from pipeline.ffmpeg.process import FREE, Confined, Limits, run
from pipeline.ffmpeg.sandbox import Sandbox
from tests.servers.processes import tree

# A process with a second thread, and a child with one more.
_THREADED = """
import threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print("begun", flush=True)
"""
_FAMILY = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_THREADED!r}]){_THREADED}"
)

several_cores = pytest.mark.skipif(
    available_cores() < 2 or not hasattr(os, "sched_setaffinity"), reason="one core is no choice"
)


@given(st.integers(1, 64), st.integers(0, 64))
def test_every_core_is_given_to_one_of_them(cores: int, among: int) -> None:
    among = min(among, cores)
    shares = divide(range(cores), among)
    assert len(shares) == among
    assert [core for share in shares for core in share] == (list(range(cores)) if among else [])
    assert all(len(share) in {cores // among, cores // among + 1} for share in shares)


@several_cores
async def test_encoders_divide_the_cores() -> None:
    cores, mine = Cores(), os.sched_getaffinity(0)
    first, second = await _family(), await _family()
    try:
        async with cores.slot() as begin:
            begin(first.pid)
            assert _of_all(first.pid) == [mine] * 4
            async with cores.slot() as begin_second:
                begin_second(second.pid)
                lower, upper = _of_all(first.pid), _of_all(second.pid)
                assert len(lower) == len(upper) == 4
                assert lower == lower[:1] * 4
                assert upper == upper[:1] * 4
                assert lower[0] | upper[0] == mine
                assert not lower[0] & upper[0]
            assert _of_all(first.pid) == [mine] * 4
    finally:
        for one in (first, second):
            os.killpg(one.pid, signal.SIGKILL)
            await one.wait()


async def test_no_more_at_a_time_than_cores() -> None:
    cores = Cores()
    async with AsyncExitStack() as taken:
        for _ in range(available_cores()):
            await taken.enter_async_context(cores.slot())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cores.slot().__aenter__(), 0.05)
    async with cores.slot():
        pass


@several_cores
async def test_a_program_keeps_to_its_core() -> None:
    await _keeps_to_its_core(FREE)


@several_cores
async def test_a_program_in_the_sandbox_keeps_to_its_core(sandbox: Sandbox) -> None:
    await _keeps_to_its_core(Confined(sandbox))


async def _keeps_to_its_core(confined: Confined) -> None:
    """nproc(1) counts the cores that it may use."""
    core = min(os.sched_getaffinity(0))
    waiting = "until [ $(nproc) = 1 ]; do sleep 0.05; done; echo alone"
    done = await run(
        ["/bin/sh", "-c", waiting],
        Limits(deadline_s=20),
        confined=confined,
        begin=lambda pid: keep_to(pid, {core}),
    )
    assert done.stdout == b"alone\n"


async def test_one_that_has_ended_is_no_error() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await child.wait()
    keep_to(child.pid, os.sched_getaffinity(0))


async def _family() -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _FAMILY), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert child.stdout
    for _ in range(2):
        assert await child.stdout.readline() == b"begun\n"
    return child


def _of_all(pid: int) -> list[set[int]]:
    """Of each thread of a process and of its children: the cores that it may use."""
    tasks = (task for one in tree(pid) for task in Path(f"/proc/{one}/task").iterdir())
    return [os.sched_getaffinity(int(task.name)) for task in tasks]
