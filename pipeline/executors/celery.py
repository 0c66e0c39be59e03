"""Workers anywhere: Celery on RabbitMQ (quorum queues) or Redis. The only module that knows it.

A message says "there is a job"; the row in the catalog says what to do, and whether. So it does
no harm when a message comes twice, late, or never: a claim that fails ends the task at once, and
every worker's timer has somebody sweep the catalog for jobs that no message is on its way for.

    headwater.hot, headwater.bulk     tasks headwater.ingest(job_id)
    headwater.sweeps                  tasks headwater.sweep(), short-lived; of every worker
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from celery import Celery, bootsteps, signals
from kombu import Exchange, Queue
from kombu.exceptions import KombuError, OperationalError

from catalog import deliveries
from catalog.records import JobQueue
from configs.settings import JobSettings
from pipeline.attempts import NO_ROOM_S
from pipeline.bench import Bench
from pipeline.errors import BrokerUnavailable
from pipeline.worker_name import this_node

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_INGEST = "headwater.ingest"
_SWEEP = "headwater.sweep"
# A queue of its own, which every worker has: those for the bulk alone need sweeps as well, and
# would not come to them behind all that waits there.
_SWEEPS = "headwater.sweeps"
_SWEPT_AT_ONCE = 1000
_CONNECT_S = 5.0
# All ways in which a broker is away; amqp and redis raise their own, which kombu does not wrap.
_AWAY = (KombuError, OperationalError, OSError, ConnectionError)

OpenBench = Callable[[], AbstractAsyncContextManager[Bench]]


def queue_name(queue: JobQueue) -> str:
    """What the broker calls a queue."""
    return f"headwater.{queue.value}"


_QUEUES = (*(queue_name(one) for one in JobQueue), _SWEEPS)


def make_app(settings: JobSettings) -> Celery:
    """Celery for these settings, with our queues; it knows no tasks yet."""
    is_redis = (settings.broker_url or "").startswith("redis")
    app = Celery("headwater", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        task_queues=[_queue(one, is_quorum=not is_redis) for one in _QUEUES],
        task_default_queue=queue_name(JobQueue.HOT),
        task_serializer="json",
        accept_content=["json"],
        # The row is the result.
        task_ignore_result=True,
        result_backend=None,
        # A message is done with when the job is: a worker that dies gives it back,
        task_acks_late=True,
        # and so does one whose child was killed.
        task_reject_on_worker_lost=True,
        # No worker keeps messages that another could work on.
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=is_redis,
        worker_detect_quorum_queues=True,
        worker_enable_remote_control=True,
        worker_send_task_events=True,  # for Flower and exporters
        task_send_sent_event=True,
        worker_hijack_root_logger=False,
        # A broken connection does not end what runs: its claim still holds.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=_CONNECT_S,
        broker_transport_options=_redis_options(settings) if is_redis else _RABBITMQ_OPTIONS,
    )
    return app


def reach(settings: JobSettings) -> None:
    """Connect to the broker once. BrokerUnavailable."""
    with _connected(make_app(settings)):
        pass


@contextmanager
def _connected(app: Any) -> Iterator[Any]:
    """A connection of Celery's for the block. BrokerUnavailable, also for what is done there."""
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=_CONNECT_S)
            yield connection
    except _AWAY as exc:
        cause = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise BrokerUnavailable(f"the broker cannot be reached: {cause}") from exc


@dataclass(frozen=True, slots=True)
class CeleryCourier:
    """Sends a message for each job."""

    app: Any  # Celery

    async def deliver(self, job_ids: Sequence[str], queue: JobQueue) -> None:
        """Send them. BrokerUnavailable where the broker does not take them all."""
        await asyncio.to_thread(self._send, job_ids, queue)

    def _send(self, job_ids: Sequence[str], queue: JobQueue) -> None:
        with _connected(self.app) as connection, self.app.amqp.Producer(connection) as producer:
            for job_id in job_ids:
                self.app.send_task(
                    _INGEST,
                    args=(job_id,),
                    queue=queue_name(queue),
                    producer=producer,
                    retry=False,
                )


@dataclass(slots=True)
class _Process:
    """What one process of a worker has: an event loop and a bench, opened for its first task."""

    open_bench: OpenBench
    _runner: asyncio.Runner | None = None
    _opened: AbstractAsyncContextManager[Bench] | None = None
    _bench: Bench | None = field(default=None)

    def run(self, work: Callable[[Bench], Awaitable[_T]]) -> _T:
        """Do some work at the bench."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(self._at_bench(work))

    def close(self) -> None:
        """Give back what was opened."""
        if self._runner is not None:
            if self._opened is not None:
                self._runner.run(self._leave(self._opened))
            self._runner.close()
        self._runner = self._opened = self._bench = None

    async def _at_bench(self, work: Callable[[Bench], Awaitable[_T]]) -> _T:
        if self._bench is None:
            opened = self.open_bench()
            self._bench = await opened.__aenter__()
            self._opened = opened
        return await work(self._bench)

    @staticmethod
    async def _leave(opened: AbstractAsyncContextManager[Bench]) -> None:
        await opened.__aexit__(None, None, None)


def run_worker(
    settings: JobSettings,
    open_bench: OpenBench,
    queues: Sequence[JobQueue],
    concurrency: int,
    log_level: str,
) -> int:
    """Work until SIGTERM (running tracks are finished first); the exit code."""
    app = make_app(settings)
    process = _Process(open_bench)

    def ingest(job_id: str) -> None:
        process.run(lambda bench: _ingest(bench, job_id, queues))

    def sweep() -> None:
        process.run(lambda bench: _sweep(bench, app, settings))

    app.task(ingest, name=_INGEST)
    app.task(sweep, name=_SWEEP)
    app.steps["worker"].add(_sweeper(settings.sweep_s))

    def closed(**_: object) -> None:
        process.close()

    signals.worker_process_shutdown.connect(closed, weak=False)
    names = ",".join([_SWEEPS, *(queue_name(queue) for queue in queues)])
    worker = app.Worker(
        hostname=this_node(),
        consumer_cls=_consumer(),
        queues=names,
        concurrency=concurrency,
        pool="prefork",
        optimization="fair",
        without_gossip=True,
        without_mingle=True,
        quiet=True,  # no banner
        loglevel=log_level,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _consumer() -> type[Any]:
    """Celery's, which makes 28 quorum queues for delayed messages on RabbitMQ, but without them.

    We send none: a job's row says when it may be tried again.
    """
    from celery.worker.consumer import Consumer  # noqa: PLC0415 - slow, and for workers only

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]  # Celery is not typed
        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if "DelayedDelivery" not in step
        )

    return type("Consumer", (Consumer,), {"Blueprint": Blueprint})


async def _ingest(bench: Bench, job_id: str, queues: Sequence[JobQueue]) -> None:
    """Do a job, and before it all hot ones that wait, whoever has their messages."""
    await bench.tidy()
    had_room, done = True, ""
    while had_room and done != job_id and JobQueue.HOT in queues:
        hot = await bench.next([JobQueue.HOT])
        if not hot:
            break
        done = hot[0]
        had_room = await bench.do(done)
    if done != job_id:
        had_room = await bench.do(job_id)
    if not had_room:
        await asyncio.sleep(NO_ROOM_S)


async def _sweep(bench: Bench, app: Any, settings: JobSettings) -> None:
    """Send a message for each job that needs one: its wait is over, or its message was lost."""
    courier = CeleryCourier(app)
    for queue in JobQueue:
        waiting = await asyncio.to_thread(_messages, app, queue)
        now = bench.shop.clock()
        async with bench.shop.catalog.begin() as tx:
            late_s = settings.sweep_s
            found = await deliveries.overdue(tx, queue, now, after_s=late_s, limit=_SWEPT_AT_ONCE)
            # Each queued job has a message, in the broker or in a worker's hands. A few in such
            # hands are sent again, so that an idle worker may take what a busy one has.
            missing = min(await deliveries.count_queued(tx, queue) - waiting, _SWEPT_AT_ONCE)
            if missing > 0:
                found += await deliveries.undelivered(tx, queue, now, after_s=late_s, limit=missing)
            if found:
                await deliveries.mark_delivered(tx, found, now)
        if found:
            _log.info("%d jobs of queue %s are delivered again", len(found), queue)
            await courier.deliver(found, queue)


def _messages(app: Any, queue: JobQueue) -> int:
    """How many messages wait in the broker."""
    with app.connection_for_read() as connection, suppress(*_channel_errors(connection)):
        found = connection.default_channel.queue_declare(queue=queue_name(queue), passive=True)
        return int(found.message_count)
    return 0  # there is no such queue: nothing was ever sent


def _channel_errors(connection: Any) -> tuple[type[Exception], ...]:
    return tuple(connection.channel_errors)


def _sweeper(every_s: float) -> type[Any]:
    """A part of the worker that has the catalog swept, by whichever worker has time."""

    class Sweeper(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery is not typed
        requires = frozenset({"celery.worker.components:Timer", "celery.worker.components:Pool"})

        def start(self, worker: Any) -> None:
            """Begin."""
            worker.timer.call_repeatedly(every_s, _ask_for_sweep, (worker.app, every_s))

    return Sweeper


def _ask_for_sweep(app: Any, every_s: float) -> None:
    with suppress(*_AWAY):  # the broker is away: the next one is soon
        app.send_task(_SWEEP, queue=_SWEEPS, expires=every_s, retry=False, ignore_result=True)


def _queue(name: str, *, is_quorum: bool) -> Any:
    arguments = {"x-queue-type": "quorum"} if is_quorum else {}
    return Queue(name, Exchange(name, type="direct"), routing_key=name, queue_arguments=arguments)


# The broker says that it has a message before it counts as sent.
_RABBITMQ_OPTIONS = {"confirm_publish": True}


def _redis_options(settings: JobSettings) -> dict[str, object]:
    return {
        "visibility_timeout": settings.delivery_timeout_s,
        # How soon what a dead worker had is given to others, once that time is over. Kombu's own
        # defaults look every hundred seconds only.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # Hot messages first, as they stand in the list of queues.
        "queue_order_strategy": "priority",
    }
