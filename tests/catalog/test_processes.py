"""Several processes with one catalog: nothing is lost, nobody fails."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from catalog import jobs, keys, releases, tracks
from catalog.engine import Catalog

A, RELEASE = "t" + "a" * 20, "r" + "a" * 20

# Waits for a line on stdin so that all begin together; the first opens race for the migration.
PUBLISHER = """
import asyncio, sys
from dataclasses import replace
from datetime import UTC, datetime
from catalog import publish
from catalog.engine import Catalog
from tests.support.publications import make_publication
from tests.support.running import running_job

async def run(url, who, turns):
    now = datetime.now(UTC)
    sys.stdin.readline()
    catalog = await Catalog.open(url)
    for turn in range(turns):
        async with catalog.begin() as tx:
            await running_job(tx, f"{who}-{turn}", now, f"/{who}-{turn}")
        async with catalog.begin() as tx:
            one = make_publication("a", revision=f"{who * turns + turn + 1:x}", artists=("A", "B"))
            await publish.publish(tx, replace(one, job_id=f"{who}-{turn}"), now)
    await catalog.close()

asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""

KILLED = """
import asyncio, itertools, sys
from datetime import UTC, datetime
from catalog import publish
from catalog.engine import Catalog
from tests.support.publications import make_publication

async def run(url):
    catalog = await Catalog.open(url)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    for one, other in itertools.product(letters, letters):
        publication = make_publication(one, revision="1", isrc=one + other)
        async with catalog.begin() as tx:
            await publish.publish(tx, publication, datetime.now(UTC))
        print(one, flush=True)

asyncio.run(run(sys.argv[1]))
"""

ROOT = Path(__file__).parents[2]


async def test_processes_that_publish_at_once_lose_nothing(empty_url: str) -> None:
    processes = [
        subprocess.Popen(  # noqa: ASYNC220 - started in no time, waited for in a thread
            [sys.executable, "-c", PUBLISHER, empty_url, str(who), "5"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for who in range(3)
    ]
    outcomes = await asyncio.gather(
        *(asyncio.to_thread(process.communicate, "go\n") for process in processes)
    )
    assert [process.returncode for process in processes] == [0, 0, 0], outcomes
    catalog = await Catalog.open(empty_url, migrate=False)
    async with catalog.connect() as tx:
        found = await tracks.revisions(tx, A)
        assert {one.draft.revision[0] for one in found} == set("123456789abcdef")
        for one in found:
            assert len(one.draft.renditions) == 3
            assert len(await keys.for_revision(tx, A, one.draft.revision)) == 2
        track = await tracks.get(tx, A)
        assert track.artists == ("A", "B")
        # The pointer and what was flipped with it belong together.
        assert track.duration_s == 2.0 * int(str(track.current_revision)[0], 16)
        assert (await releases.get(tx, RELEASE)).track_count == 1
        assert {job.state for job in await jobs.list_page(tx, limit=99)} == {"done"}
        assert len(await jobs.list_page(tx, limit=99)) == 15
    await catalog.close()


def kill_a_publisher(url: str) -> list[str]:
    argv = [sys.executable, "-c", KILLED, url]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as publisher:
        assert publisher.stdout is not None
        reported = [publisher.stdout.readline().strip() for _ in range(5)]
        publisher.kill()
        return reported


async def test_a_killed_publisher_leaves_whole_tracks(url: str, now: datetime) -> None:
    reported = await asyncio.to_thread(kill_a_publisher, url)
    catalog = await Catalog.open(url)
    async with catalog.connect() as tx:
        for track in await tracks.list_page(tx, after=None, limit=99, now=now):
            revision = await tracks.revision(tx, track.track_id, str(track.current_revision))
            assert len(revision.draft.renditions) == 3
            assert track.artists
        for letter in reported:
            await tracks.get(tx, "t" + letter * 20)
    await catalog.close()
