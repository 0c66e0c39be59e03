"""A HOME and workers on it, as real processes that can be killed; and what must hold afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog import jobs, tracks
from catalog.engine import Catalog
from catalog.records import JobRecord, JobState
from packager import index
from storage.local import LocalStore
from tests.servers.processes import tree
from tests.support import ladders, masters
from tests.support.origin_process import headwater

PATIENCE_S = 120.0


def album(folder: Path, count: int, seconds: float = 1.0, first: int = 0) -> list[Path]:
    """Short masters, each of another sound; numbered from `first`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        masters.wav(folder / f"{number:02}.wav", masters.music(seconds, seed=number + 1))
        for number in range(first, first + count)
    ]


def wait_until(
    what: Callable[[], Any], seconds: float = PATIENCE_S, *, every_s: float = 0.1
) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(every_s)


@dataclass
class Farm:
    """Settings, and the processes that run by them."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)  # variables without HEADWATER_
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What each process has."""
        kept = {name: value for name, value in os.environ.items() if "HEADWATER" not in name}
        ours = {f"HEADWATER_{name}": value for name, value in self.settings.items()}
        return {**kept, **ours, "HEADWATER_HOME": str(self.home)}

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        """A command, to its end; what it printed."""
        done = subprocess.run(
            headwater(*map(str, arguments)),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def start(self, *arguments: str | Path, cores: str | None = None) -> subprocess.Popen[bytes]:
        """A command that runs on, in a session of its own; on some cores, "0" or "0,1"."""
        pinned = ["taskset", "-c", cores] if cores else []
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home.parent / "said").open("ab") as said:
            process = subprocess.Popen(
                pinned + headwater(*map(str, arguments)),
                env=self.environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A worker with one track at a time."""
        return self.start("worker", "--concurrency", "1", *arguments)

    def submit(self, paths: Iterable[str | Path], *arguments: str) -> list[str]:
        """Queue jobs; their ids."""
        return self.run("ingest", "--detach", *arguments, *paths).split()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """`kill -9`, for all that it has started, as when a machine goes."""
        for one in tree(process.pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def stop(self) -> None:
        """End all that still runs."""
        for process in self.running:
            process.terminate()
        for process in tuple(self.running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill(process)

    def jobs(self) -> list[JobRecord]:
        """All rows, the oldest first."""
        return list(asyncio.run(self._jobs()))[::-1]

    def job(self, job_id: str) -> JobRecord:
        """One of them."""
        return next(one for one in self.jobs() if one.job_id == job_id)

    def is_encoding(self, job_id: str) -> bool:
        """Whether it is in the middle of its work."""
        record = self.job(job_id)
        return record.state is JobState.RUNNING and record.stage == "encode"

    def all_over(self, *states: JobState) -> bool:
        """Whether each job is done (or in one of these states)."""
        return {one.state for one in self.jobs()} <= {JobState.DONE, *states}

    def check(self, expected: int) -> None:
        """Each track is published exactly once, and nothing else is in the storage."""
        asyncio.run(self._check(expected))

    async def _jobs(self) -> tuple[JobRecord, ...]:
        async with self.catalog() as catalog, catalog.connect() as tx:
            return await jobs.list_page(tx, limit=100_000)

    async def _check(self, expected: int) -> None:
        store = LocalStore(self.home / "storage")
        async with self.catalog() as catalog, catalog.connect() as tx:
            found = await tracks.list_page(tx, after=None, limit=expected + 1)
            revisions = {one.track_id: await tracks.revisions(tx, one.track_id) for one in found}
        assert len(found) == expected
        assert {len(made) for made in revisions.values()} == {1}, "published twice"
        prefixes = set()
        for track in found:
            prefix = f"tracks/{track.track_id}/{track.current_revision}/"
            prefixes.add(prefix)
            package = index.decode(await store.get(f"{prefix}package.json"))
            for one in package.files():
                assert (await store.head(f"{prefix}{one.file}")).size == one.size
        stored = {one.key async for one in store.list("tracks/")}
        assert {f"{key.rpartition('/')[0]}/" for key in stored} == prefixes, "orphans"

    def catalog(self) -> _Opened:
        """The catalog, to be opened by `async with`."""
        return _Opened(
            self.settings.get("CATALOG__URL") or f"sqlite+aiosqlite:///{self.home}/catalog.db"
        )


class _Opened:
    """A catalog, opened and closed."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Catalog:
        self._catalog = await Catalog.open(self._url)
        return self._catalog

    async def __aexit__(self, *_: object) -> None:
        await self._catalog.close()


@contextmanager
def farm(folder: Path, **settings: str) -> Iterator[Farm]:
    """A HOME in a folder; nothing of it runs afterwards. Leases, sweeps and encodings are short."""
    given = {"JOBS__LEASE_S": "3", "JOBS__SWEEP_S": "1", "JOBS__BACKOFF_S": "0.5"}
    given |= {"INGEST__LADDER": str(ladders.FAST), **settings}
    made = Farm(folder / "home", given)
    try:
        yield made
    finally:
        made.stop()


def celery(broker_url: str) -> dict[str, str]:
    """Settings of workers that a broker tells."""
    return {"JOBS__EXECUTOR": "celery", "JOBS__BROKER_URL": broker_url}
