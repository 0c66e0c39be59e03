"""`headwater worker`: does the jobs that wait."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from catalog.records import JobQueue
from configs.settings import Settings
from configs.telemetry.board import Board
from pipeline.bench import Bench, work
from pipeline.cli.buckets import make_masters
from pipeline.cli.compose import Invocation, pass_invocation
from pipeline.cli.output import Failure
from pipeline.cli.workshop import open_whole_workshop
from pipeline.cores import available_cores
from pipeline.log_reporter import LogReporter
from pipeline.worker_figures import CountingReporter, WorkerMeters


@click.command("worker")
@click.option(
    "--queues",
    default="hot,bulk",
    show_default=True,
    help="Queues to work on; hot ones come first.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="Tracks side by side.  [default: one per core]",
)
@pass_invocation
def worker_command(invocation: Invocation, *, queues: str, concurrency: int | None) -> None:
    """Do the jobs that wait, until SIGTERM or Ctrl-C. What runs is finished first.

    With jobs.executor local it looks into the catalog; any number may run beside each other. A
    second signal ends it at once, and gives its jobs back. With celery a broker tells it; there
    SIGQUIT, or a second Ctrl-C, ends it at once, and others take up its jobs.

    headwater worker --queues hot --concurrency 2
    """
    settings = invocation.load().settings
    wanted = _queues(queues)
    slots = concurrency or settings.ingest.jobs or available_cores()
    for name in ("pipeline.log_reporter", "pipeline.ffmpeg.binaries"):  # what is done, by which
        logging.getLogger(name).setLevel(logging.INFO)
    board = Board(slots)
    if settings.monitoring.worker_port is not None:
        _answer(board, settings.monitoring.host, settings.monitoring.worker_port)
    if settings.jobs.executor == "local":
        asyncio.run(_work(settings, board, wanted, slots))
        return
    try:
        from pipeline.executors.celery import run_worker  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as exc:
        raise Failure(f"{exc.name} is not installed (pip install headwater[celery])") from exc
    level = ("WARNING", "INFO", "DEBUG")[min(invocation.verbosity, 2)]
    code = run_worker(settings.jobs, lambda: _open(settings, board), wanted, slots, level)
    raise click.exceptions.Exit(code)


@asynccontextmanager
async def _open(settings: Settings, board: Board) -> AsyncIterator[Bench]:
    async with open_whole_workshop(settings, "worker") as shop:
        yield Bench(shop, CountingReporter(LogReporter(), board), make_masters(settings))


def _answer(board: Board, host: str, port: int) -> None:
    """Tell Prometheus of all processes of this worker, in a thread that does nothing else."""
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415 - slow

    from configs.telemetry.exposition import FamilyCollector  # noqa: PLC0415 - as above

    registry = CollectorRegistry(auto_describe=False)
    registry.register(FamilyCollector(lambda: WorkerMeters().of(board)))
    try:
        start_http_server(port, host, registry)
    except OSError as exc:
        why = f"{host}:{port}: {exc.strerror or exc} (monitoring.host, monitoring.worker_port)"
        raise Failure(f"worker: cannot listen on {why}") from exc


async def _work(settings: Settings, board: Board, queues: tuple[JobQueue, ...], slots: int) -> None:
    stop = asyncio.Event()
    task = asyncio.current_task()

    def end() -> None:
        if stop.is_set() and task is not None:
            task.cancel()  # the second signal
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    async with _open(settings, board) as bench:
        click.echo(f"working on {', '.join(queues)}: {slots} tracks at a time", err=True)
        try:
            await work(bench, queues, slots, stop)
        except asyncio.CancelledError:
            click.echo("stopped: what was not finished is given back", err=True)


def _queues(text: str) -> tuple[JobQueue, ...]:
    """The queues of a list with commas, the hot one first."""
    names = {name.strip() for name in text.split(",")}
    known = {queue.value for queue in JobQueue}
    if not names <= known:
        wrong = ", ".join(sorted(names - known))
        raise click.BadParameter(f"there is no queue {wrong!r}: {', '.join(known)}")
    return tuple(queue for queue in JobQueue if queue.value in names)
