"""The only place that starts processes: bounded, in a group of their own, never left behind.

Every child has limits of CPU seconds, address space, file size, open files and processes, set by
`prlimit` before its program begins; and where there is a sandbox, it runs inside of it.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pipeline.errors import EncoderFailed, EncoderStuck
from pipeline.ffmpeg.causes import cause_of
from pipeline.ffmpeg.sandbox import Room, Sandbox
from pipeline.worker_name import is_gone, this_worker

STDERR_TAIL_BYTES = 64 << 10  # the end of stderr is where summaries and causes are
STDOUT_MAX_BYTES = 16 << 20  # an ffprobe answer; tags of hostile files can be large
_KILL_GRACE_S = 2.0
_OPEN_FILES = 64
_PROCESSES = 4096
_STARTER = "HEADWATER_STARTED_BY"  # in a child's environment


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use. Bytes and seconds."""

    deadline_s: float
    file_bytes: int = 1 << 20  # RLIMIT_FSIZE: the largest file it may write
    memory_bytes: int = 4 << 30  # RLIMIT_AS: address space; threads reserve much, use little
    cpu_s: float | None = None  # of all its threads together; None: as the deadline
    stall_s: float | None = None  # how long no line of stdout may say that it gets on

    @property
    def words(self) -> list[str]:
        """The command line of `prlimit`; stricter limits that hold already are kept."""
        wanted = {
            "core": (resource.RLIMIT_CORE, 0),
            "cpu": (resource.RLIMIT_CPU, max(1, round(self.cpu_s or self.deadline_s))),
            "as": (resource.RLIMIT_AS, self.memory_bytes),
            "fsize": (resource.RLIMIT_FSIZE, self.file_bytes),
            "nofile": (resource.RLIMIT_NOFILE, _OPEN_FILES),
            # Of the whole user, threads included: only a fork bomb comes near it.
            "nproc": (resource.RLIMIT_NPROC, _PROCESSES),
        }
        words = {name: str(_lowered(*limit)) for name, limit in wanted.items()}
        # The soft limit's signal can be told from others; the hard one's is SIGKILL.
        words["cpu"] += f":{int(words['cpu']) + 5}" if _may_raise(resource.RLIMIT_CPU) else ""
        return [f"--{name}={value}" for name, value in words.items()]


@dataclass(frozen=True, slots=True)
class Confined:
    """Where a child runs, and what it sees there."""

    sandbox: Sandbox | None = None
    room: Room = field(default_factory=Room)

    def prefix(self, program: str) -> list[str]:
        """What stands before its command line."""
        if self.sandbox is not None:
            return self.sandbox.prefix(Path(program), self.room)
        return []


FREE = Confined()


@dataclass(frozen=True, slots=True)
class Completed:
    """What a child that ended well has said."""

    stdout: bytes
    stderr_tail: str


async def run(
    argv: Sequence[str],
    limits: Limits,
    on_line: Callable[[str], None] | None = None,
    confined: Confined = FREE,
    begin: Callable[[int], None] = lambda _: None,
) -> Completed:
    """Run a program to its end and return what it said.

    With `on_line`, every line of stdout goes there and none is kept. `begin` is told the process's
    id. Raises EncoderFailed when it cannot be started, ends with a code other than 0, passes the
    deadline or does not get on. Whatever is raised here (a cancellation too), the child is gone
    afterwards.
    """
    child = await _start(argv, limits, confined)
    lines = _Lines(on_line, limits.stall_s) if on_line else None
    out = lines.read(child.stdout) if lines else _read_all(child.stdout)
    readers = (asyncio.create_task(out), asyncio.create_task(_read_tail(child.stderr)))
    try:
        begin(child.pid)
        async with asyncio.timeout(limits.deadline_s):
            stdout, stderr = await asyncio.gather(*readers)
            await child.wait()
    except _Stalled:
        cause = f"{argv[0]} was stopped: it did not get on for {limits.stall_s:.0f} s"
        raise EncoderStuck(argv, None, "", cause) from None
    except TimeoutError:
        cause = f"{argv[0]} was stopped after {limits.deadline_s:.0f} s, its deadline"
        raise EncoderStuck(argv, None, "", cause) from None
    finally:
        try:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        finally:
            await _end(child)
    tail = stderr.decode("utf-8", "replace")
    if child.returncode:
        is_confined = confined.sandbox is not None
        cause = cause_of(tail, child.returncode, is_confined=is_confined)
        code = _code_inside(child.returncode) if is_confined else child.returncode
        raise EncoderFailed(argv, code, tail, cause)
    return Completed(stdout, tail)


async def _start(
    argv: Sequence[str], limits: Limits, confined: Confined
) -> asyncio.subprocess.Process:
    if not shutil.which(argv[0]):
        cause = f"{argv[0]} is not a program that can be run"
        raise EncoderFailed(argv, None, "", cause)
    try:
        return await asyncio.create_subprocess_exec(
            # First of all: bubblewrap does that for itself only when it is ready.
            *_dying_with_us(),
            *_limiting(limits),
            *_yielding(),
            *confined.prefix(argv[0]),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A session of its own: Ctrl-C on the terminal reaches us only, and we end the group.
            start_new_session=True,
            # No settings, keys or locale of ours.
            env={
                "PATH": os.defpath,
                "LC_ALL": "C",
                "AV_LOG_FORCE_NOCOLOR": "1",
                # So that another can tell whose it was: see `end_abandoned`.
                _STARTER: this_worker(),
                # Each thread would reserve address space for a heap of its own, up to 8 a core.
                "MALLOC_ARENA_MAX": "8",
            },
        )
    except OSError as exc:
        cause = f"{argv[0]} cannot be started: {exc.strerror or exc}"
        raise EncoderFailed(argv, None, "", cause) from exc


@cache
def _program(name: str) -> str | None:
    return shutil.which(name) if sys.platform == "linux" else None


def _limiting(limits: Limits) -> list[str]:
    """A prefix that sets the limits: a `preexec_fn` is not safe beside threads."""
    prlimit = _program("prlimit")
    return [prlimit, *limits.words] if prlimit else []


def _dying_with_us() -> list[str]:
    """A prefix that makes the kernel kill the child when we are killed (Linux)."""
    setpriv = _program("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


@cache
def _yielding() -> list[str]:
    """A prefix that makes the child a batch job: it interrupts no other that is at work (Linux).

    ffmpeg's threads wake each other thousands of times a second: so it takes some 6 % less CPU, and
    a server on the same cores does not wait for them. sched(7), SCHED_BATCH.
    """
    chrt = _program("chrt")
    if chrt is None:
        return []
    prefix = [chrt, "-b", "0"]
    # Not every container lets its processes choose.
    tried = subprocess.run(  # noqa: S603 - a program found by name, its arguments are ours
        [*prefix, chrt, "-m"], check=False, capture_output=True
    )
    return [] if tried.returncode else prefix


def _may_raise(what: int) -> bool:
    return resource.getrlimit(what)[1] == resource.RLIM_INFINITY


def _lowered(what: int, wanted: int) -> int:
    """Only root may raise a limit that is set."""
    return wanted if _may_raise(what) else min(wanted, resource.getrlimit(what)[1])


def _code_inside(code: int) -> int:
    """How it ended in its sandbox: bubblewrap says 128 and the number for a signal."""
    return 128 - code if code - 128 in set(signal.Signals) else code


async def _end(child: asyncio.subprocess.Process) -> None:
    """Terminate, wait, kill: the whole group, even where the first of it has ended by itself."""
    try:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(_drained(child), _KILL_GRACE_S)
    finally:  # also where somebody loses patience meanwhile
        # A bubblewrap that ends while it starts may leave a process that waits for it for ever.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        if child.returncode is None:
            await _drained(child)


def end_abandoned() -> int:
    """Kill what processes that are gone have started on this machine (Linux); how many.

    The kernel kills a child with its parent, but not one that bubblewrap has only just forked: it
    waits for a word that will never come.
    """
    count = 0
    mark = f"{_STARTER}=".encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            lines = file.read_bytes().split(b"\0")
            starters = [one.removeprefix(mark) for one in lines if one.startswith(mark)]
            if starters and is_gone(os.fsdecode(starters[0])):
                os.kill(int(file.parent.name), signal.SIGKILL)
                count += 1
    return count


async def _drained(child: asyncio.subprocess.Process) -> None:
    await asyncio.gather(_read_tail(child.stdout), _read_tail(child.stderr), child.wait())


async def _read_all(stream: asyncio.StreamReader | None) -> bytes:
    if stream is None:
        return b""
    data = bytearray()
    while chunk := await stream.read(1 << 16):
        if len(data) < STDOUT_MAX_BYTES:
            data += chunk
    return bytes(data[:STDOUT_MAX_BYTES])


class _Stalled(Exception):
    """Nothing that it says shows that it gets on."""


class _Lines:
    """Hands on lines, and raises _Stalled where too long none of them is a new `out_time`."""

    def __init__(self, on_line: Callable[[str], None], stall_s: float | None) -> None:
        self._on_line = on_line
        self._stall_s = stall_s
        self._at = ""
        self._since = time.monotonic()

    async def read(self, stream: asyncio.StreamReader | None) -> bytes:
        while stream is not None:
            try:
                async with asyncio.timeout(self._patience_s()):
                    line = await stream.readline()
            except TimeoutError:
                raise _Stalled from None
            if not line:
                break
            self._take(line.decode("utf-8", "replace").rstrip())
        return b""

    def _take(self, line: str) -> None:
        if line.startswith("out_time=") and line != self._at:
            self._at, self._since = line, time.monotonic()
        self._on_line(line)

    def _patience_s(self) -> float | None:
        if self._stall_s is None:
            return None
        return max(0.0, self._since + self._stall_s - time.monotonic())


async def _read_tail(stream: asyncio.StreamReader | None) -> bytes:
    if stream is None:
        return b""
    tail = bytearray()
    while chunk := await stream.read(1 << 16):
        tail += chunk
        del tail[:-STDERR_TAIL_BYTES]
    return bytes(tail)
