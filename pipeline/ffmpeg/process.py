"""The only place that starts processes: bounded, in a group of their own, never left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.errors import EncoderFailed
from pipeline.ffmpeg.causes import cause_of

STDERR_TAIL_BYTES = 64 << 10  # the end of stderr is where summaries and causes are
STDOUT_MAX_BYTES = 16 << 20  # an ffprobe answer; tags of hostile files can be large
_KILL_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use. Bytes and seconds."""

    deadline_s: float
    file_bytes: int = 1 << 20  # RLIMIT_FSIZE: the largest file it may write
    memory_bytes: int = 16 << 30  # RLIMIT_AS: address space; threads reserve much, use little


@dataclass(frozen=True, slots=True)
class Completed:
    """What a child that ended well has said."""

    stdout: bytes
    stderr_tail: str


async def run(
    argv: Sequence[str], limits: Limits, on_line: Callable[[str], None] | None = None
) -> Completed:
    """Run a program to its end and return what it said.

    With `on_line`, every line of stdout goes there and none is kept. Raises EncoderFailed when
    it cannot be started, ends with a code other than 0, or passes the deadline. Whatever is
    raised here (a cancellation too), the child is gone afterwards.
    """
    child = await _start(argv)
    _limit(child.pid, limits)
    out = _read_lines(child.stdout, on_line) if on_line else _read_all(child.stdout)
    readers = (asyncio.create_task(out), asyncio.create_task(_read_tail(child.stderr)))
    try:
        async with asyncio.timeout(limits.deadline_s):
            stdout, stderr = await asyncio.gather(*readers)
            await child.wait()
    except TimeoutError:
        cause = f"{argv[0]} was stopped after {limits.deadline_s:.0f} s, its deadline"
        raise EncoderFailed(argv, None, "", cause) from None
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        await _end(child)
    tail = stderr.decode("utf-8", "replace")
    if child.returncode:
        raise EncoderFailed(argv, child.returncode, tail, cause_of(tail, child.returncode))
    return Completed(stdout, tail)


async def _start(argv: Sequence[str]) -> asyncio.subprocess.Process:
    if not shutil.which(argv[0]):
        cause = f"{argv[0]} is not a program that can be run"
        raise EncoderFailed(argv, None, "", cause)
    try:
        return await asyncio.create_subprocess_exec(
            *_dying_with_us(),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A session of its own: Ctrl-C on the terminal reaches us only, and we end the group.
            start_new_session=True,
            # No settings, keys or locale of ours.
            env={"PATH": os.defpath, "LC_ALL": "C", "AV_LOG_FORCE_NOCOLOR": "1"},
        )
    except OSError as exc:
        cause = f"{argv[0]} cannot be started: {exc.strerror or exc}"
        raise EncoderFailed(argv, None, "", cause) from exc


def _dying_with_us() -> tuple[str, ...]:
    """A prefix that makes the kernel kill the child when we are killed (Linux)."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _limit(pid: int, limits: Limits) -> None:
    """Set resource limits from outside: a `preexec_fn` is not safe beside threads."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - there is no prlimit elsewhere

    for what, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_NOFILE, 256),
    ):
        # Gone already, or a stricter limit of the system's holds: both are fine.
        with suppress(ProcessLookupError, PermissionError, ValueError):
            resource.prlimit(pid, what, (value, value))


async def _end(child: asyncio.subprocess.Process) -> None:
    """Terminate, wait, kill: the whole group."""
    if child.returncode is not None:
        return
    for number, patience_s in ((signal.SIGTERM, _KILL_GRACE_S), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(_drained(child), patience_s)
            return


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


async def _read_lines(stream: asyncio.StreamReader | None, on_line: Callable[[str], None]) -> bytes:
    if stream is not None:
        async for line in stream:
            on_line(line.decode("utf-8", "replace").rstrip())
    return b""


async def _read_tail(stream: asyncio.StreamReader | None) -> bytes:
    if stream is None:
        return b""
    tail = bytearray()
    while chunk := await stream.read(1 << 16):
        tail += chunk
        del tail[:-STDERR_TAIL_BYTES]
    return bytes(tail)
