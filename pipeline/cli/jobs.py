"""`headwater jobs`: what waits, runs, failed and is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import UTC, datetime

import click

from catalog import jobs
from catalog.engine import Catalog
from catalog.errors import NotFound, WrongState
from catalog.records import OVER, JobQueue, JobRecord, JobState
from pipeline.cli.compose import Invocation, open_catalog, operator, pass_invocation
from pipeline.cli.executors import make_submitter
from pipeline.cli.job_view import job_fields, job_line, job_object, log_lines
from pipeline.cli.output import FAILED, Failure, instant, write_fields, write_json, write_table
from pipeline.executors.rota import Rota, look

_WATCH_S = 1.0
_PAGE = 500

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON objects, one a line."
)


@click.group("jobs")
def jobs_group() -> None:
    """Look after the jobs of ingests: one for each master. Their states are in docs/jobs.md."""


@jobs_group.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in JobState]),
    help="Only jobs in this state; may be given several times.",
)
@click.option(
    "--queue",
    type=click.Choice([queue.value for queue in JobQueue]),
    help="Only jobs of this queue.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many."
)
@json_option
@pass_invocation
def list_(
    invocation: Invocation,
    *,
    states: tuple[str, ...],
    queue: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List jobs, the newest first. On stderr: how many there are of each state.

    headwater jobs list --state parked --state failed
    """

    async def run() -> tuple[Sequence[JobRecord], str]:
        async with open_catalog(invocation.load().settings) as catalog, catalog.connect() as tx:
            found = await jobs.list_page(
                tx,
                states=[JobState(state) for state in states],
                queue=JobQueue(queue) if queue else None,
                limit=limit,
            )
            counts = sorted((await jobs.count(tx)).items())
            return found, ", ".join(f"{count} {pair[0]} {pair[1]}" for pair, count in counts)

    found, counts = asyncio.run(run())
    if as_json:
        for one in found:
            write_json(job_object(one))
        return
    if found:
        write_table(job_line(one) for one in found)
    click.echo(counts or "nothing waits, runs or has failed", err=True)


@jobs_group.command("show")
@click.argument("job")
@json_option
@pass_invocation
def show(invocation: Invocation, *, job: str, as_json: bool) -> None:
    """Show all that is known of a JOB. Its stages and their seconds, its attempts, why they failed.

    headwater jobs show 6f1c
    """

    async def run() -> JobRecord:
        async with open_catalog(invocation.load().settings) as catalog:
            return await _one(catalog, job)

    record = asyncio.run(run())
    if as_json:
        write_json(job_object(record))
        return
    write_fields(job_fields(record))
    if record.log:
        write_table(log_lines(record))


@jobs_group.command("retry")
@click.argument("jobs_", metavar="[JOB...]", nargs=-1)
@click.option("--parked", is_flag=True, help="All jobs that are parked.")
@json_option
@pass_invocation
def retry(invocation: Invocation, *, jobs_: tuple[str, ...], parked: bool, as_json: bool) -> None:
    """Queue jobs again that failed, were parked or canceled, or wait.

    They have all their attempts again.

    headwater jobs retry --parked
    """
    if bool(jobs_) == parked:
        raise click.UsageError("name the jobs, or give --parked")

    refused: list[str] = []

    async def run() -> None:
        settings = invocation.load().settings
        async with open_catalog(settings) as catalog:
            submitter = make_submitter(settings.jobs, catalog)
            found = 0
            async for wanted in _pages(catalog, () if parked else jobs_):
                found += len(wanted)
                again = await _retried(catalog, wanted, refused)
                for queue in {one.queue for one in again}:
                    ids = [one.job_id for one in again if one.queue is queue]
                    await submitter.deliver(ids, queue)
                _show(again, as_json=as_json)
            if not found:
                click.echo("nothing is parked", err=True)

    asyncio.run(run())
    if refused:
        raise Failure("\n".join(refused))


@jobs_group.command("cancel")
@click.argument("jobs_", metavar="JOB...", nargs=-1, required=True)
@json_option
@pass_invocation
def cancel(invocation: Invocation, *, jobs_: tuple[str, ...], as_json: bool) -> None:
    """End jobs that are not over. A worker that has one ends it within seconds.

    headwater jobs cancel 6f1c
    """

    async def run() -> list[JobRecord]:
        async with open_catalog(invocation.load().settings) as catalog:
            wanted = [await _one(catalog, one) for one in jobs_]
            why = f"canceled by {operator()}"
            async with catalog.begin() as tx:
                now = datetime.now(UTC)
                return [await jobs.cancel(tx, one.job_id, why, now) for one in wanted]

    _show(_run(run()), as_json=as_json)


@jobs_group.command("watch")
@click.argument("jobs_", metavar="[JOB...]", nargs=-1)
@json_option
@pass_invocation
def watch(invocation: Invocation, *, jobs_: tuple[str, ...], as_json: bool) -> None:
    """Print each change of jobs until they are over.

    Of these jobs, or of all that are not over now. Exit code 1 if one of them failed.

    headwater jobs watch
    """
    failed = asyncio.run(_watch(invocation, jobs_, as_json=as_json))
    if failed:
        raise click.exceptions.Exit(FAILED)


async def _pages(catalog: Catalog, names: Sequence[str]) -> AsyncIterator[Sequence[JobRecord]]:
    """The jobs of these names; without any, all that are parked, which may be a great many."""
    if names:
        yield [await _one(catalog, name) for name in names]
        return
    last: JobRecord | None = None
    while True:
        async with catalog.connect() as tx:
            page = await jobs.list_page(tx, states=[JobState.PARKED], before=last, limit=_PAGE)
        yield page
        if len(page) < _PAGE:
            return
        last = page[-1]


async def _retried(
    catalog: Catalog, wanted: Sequence[JobRecord], refused: list[str]
) -> list[JobRecord]:
    """Queue them again, each for itself; why some were not is added to `refused`."""
    again = []
    for one in wanted:
        try:
            async with catalog.begin() as tx:
                again.append(await jobs.retry(tx, one.job_id))
        except WrongState as exc:
            refused.append(str(exc))
    return again


async def _watch(invocation: Invocation, names: Sequence[str], *, as_json: bool) -> bool:
    async with open_catalog(invocation.load().settings) as catalog:
        if names:
            rota = Rota([(await _one(catalog, name)).job_id for name in names])
        else:
            open_states = [JobState.QUEUED, JobState.RUNNING, JobState.WAITING]
            async with catalog.connect() as tx:
                found = await jobs.list_page(tx, states=open_states, limit=10_000)
            rota = Rota(one.job_id for one in found)
            if not rota:
                click.echo("nothing waits or runs", err=True)
        failed = False
        shown: dict[str, tuple[object, ...]] = {}
        while rota:
            for record in await look(catalog, rota):
                now = (record.state, record.stage, record.attempts, round(record.progress, 1))
                if shown.get(record.job_id) != now:
                    _show([record], as_json=as_json)
                shown[record.job_id] = now
                failed |= record.state in OVER and record.state is not JobState.DONE
            await asyncio.sleep(_WATCH_S if rota else 0)
        return failed


def _show(records: Sequence[JobRecord], *, as_json: bool) -> None:
    for one in records:
        if as_json:
            write_json(job_object(one))
        else:
            write_table([[instant(datetime.now(UTC)), *job_line(one)]])


def _run(work: Coroutine[object, object, list[JobRecord]]) -> list[JobRecord]:
    try:
        return asyncio.run(work)
    except WrongState as exc:
        raise Failure(str(exc)) from exc


async def _one(catalog: Catalog, name: str) -> JobRecord:
    """The job that an id, or the beginning of one, names."""
    async with catalog.connect() as tx:
        found = await jobs.begin_with(tx, name, limit=2)
    if not found:
        raise NotFound("job", name)
    if len(found) > 1:
        raise Failure(f"several jobs begin with {name}: write more of the id")
    return found[0]
