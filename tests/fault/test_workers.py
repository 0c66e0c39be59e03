"""Workers that a broker tells, killed in every way: each track is published exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from celery import Celery
from kombu.asynchronous import Hub

from catalog.records import JobQueue, JobState
from configs.settings import JobSettings
from pipeline.executors.celery import CeleryCourier, make_app
from tests.servers.buckets import BUCKET, client
from tests.servers.processes import tree
from tests.servers.rabbitmq import RabbitMq
from tests.servers.redis import Redis
from tests.servers.s3_server import S3Server
from tests.support import masters
from tests.support.farm import Farm, album, celery, farm, wait_until
from tests.support.labels import taking_uploads

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("workers")]

LONG_S = 30.0  # of a master: long enough to be killed amid


@pytest.fixture(params=["rabbitmq", "redis"])
def broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of each broker in turn, with nothing in it."""
    if request.param == "redis":
        redis: Redis = request.getfixturevalue("redis")
        redis.clear()
        yield redis.url()
    else:
        rabbitmq: RabbitMq = request.getfixturevalue("rabbitmq")
        rabbitmq.clear()
        yield rabbitmq.url()


def long_master(folder: Path, seconds: float = LONG_S) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return masters.wav(folder / "long.wav", masters.music(seconds, seed=99))


@contextmanager
def watched(app: Any) -> Iterator[Any]:
    """What Flower and exporters know: Celery's own record of the events that workers send."""
    state = app.events.State()
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": state.event})
        listening = Thread(target=receiver.capture, kwargs={"limit": None})
        listening.start()
        try:
            yield state
        finally:
            receiver.should_stop = True  # it looks once a second
            listening.join()


def test_a_batch_is_done_and_hot_overtakes_bulk(broker: str, tmp_path: Path) -> None:
    paths = album(tmp_path / "in", 8)
    app = Celery(broker=broker)
    with watched(app) as seen, farm(tmp_path, **celery(broker)) as workers:
        bulk = workers.submit(paths[:5], "--queue", "bulk")
        hot = workers.submit(paths[5:7])
        workers.worker()
        workers.run("ingest", paths[7])  # tells the workers, and watches
        wait_until(workers.all_over)
        workers.check(8)
        assert {one.attempts for one in workers.jobs()} == {1}
        *queued, last = workers.jobs()
        order = sorted(queued, key=lambda one: str(one.finished_at))
        # One of the bulk may have begun before a hot one's message was there.
        assert {one.job_id for one in order[:3]} >= set(hot)
        # The last comes while they are at work, on a busy machine when the bulk is done.
        assert last.job_id not in {*bulk, *hot}
        waiting = (str(last.delivered_at), str(last.started_at))
        begun = [one for one in order if waiting[0] < str(one.started_at) < waiting[1]]
        assert len([one for one in begun if one.job_id in bulk]) <= 1

        def shown() -> list[Any]:
            ingests = [one for one in seen.tasks.values() if one.name == "headwater.ingest"]
            return [one for one in ingests if one.state == "SUCCESS"]

        wait_until(lambda: len(shown()) >= len(paths), 10)
        assert all(one.sent and one.received and one.started and one.runtime for one in shown())
        assert all(any(job in one.args for one in shown()) for job in (*bulk, *hot))
        (node,) = app.control.ping(timeout=10, limit=1)  # remote control
        assert set(seen.workers) == set(node)
        assert all(one.alive for one in seen.workers.values())


def test_an_upload_is_done_by_a_worker_and_ends_in_a_bucket(
    redis: Redis, moto_bucket: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The origin does no job itself; the worker reads the master from the uploads' folder."""
    redis.clear()
    secrets = tmp_path / "credentials"
    secrets.touch(0o600)
    keys = (moto_bucket.access_key, moto_bucket.secret_key)
    secrets.write_text(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*keys)
    )
    stored = {
        "STORAGE__KIND": "s3",
        "STORAGE__ENDPOINT": moto_bucket.endpoint,
        "STORAGE__BUCKET": BUCKET,
        "STORAGE__PREFIX": "uploaded",
        "STORAGE__CREDENTIALS_FILE": str(secrets),
    }
    with farm(tmp_path, JOBS__MIN_FREE_BYTES="0", **celery(redis.url()), **stored) as workers:
        for name, value in workers.settings.items():
            monkeypatch.setenv(f"HEADWATER_{name}", value)
        with taking_uploads(workers.home, {}) as place:
            workers.worker()
            label = place.label()
            path = masters.flac(tmp_path / "a.flac", masters.music(1.5))
            answer = label.form(path.read_bytes(), title="Far")
            assert answer.status == 202, answer
            done = label.job_done(answer.json["url"])
            assert (done["state"], done["outcome"]) == ("done", "published")
            wait_until(lambda: not place.kept, 10)
            listener = place.listener()
            track = listener.ask("GET", f"/api/v1/tracks/{done['track_ids'][0]}").json
            assert track["title"] == "Far"
    with closing(client(moto_bucket)) as s3:
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix="uploaded/tracks/")["Contents"]
    assert any(one["Key"].endswith("/package.json") for one in found)


# Each broker, and each way to be killed, once: all four would take minutes.
@pytest.mark.parametrize(
    ("broker", "whole"),
    [("rabbitmq", True), ("redis", False)],
    indirect=["broker"],
    ids=["rabbitmq-worker", "redis-child"],
)
def test_a_worker_that_is_killed_amid_a_track(broker: str, tmp_path: Path, whole: bool) -> None:  # noqa: FBT001 - a case
    with farm(tmp_path, **celery(broker)) as workers:
        # Before there is a worker: on a busy machine it would be done before the command has ended.
        (job,) = workers.submit([long_master(tmp_path / "in")])
        started = [workers.worker() for _ in range(2 if whole else 1)]  # on one machine
        wait_until(lambda: any(_encoders(workers, one.pid) for one in started))
        (worker,) = (one for one in started if _encoders(workers, one.pid))
        if whole:
            workers.kill(worker)
        else:
            os.kill(_child(workers, worker.pid), signal.SIGKILL)
        wait_until(workers.all_over)
        workers.check(1)
        record = workers.job(job)
        assert [one.ended for one in record.log] == ["lost", "done"]


class Watched(Hub):  # type: ignore[misc]  # kombu is not typed
    """Kombu's event loop, of which is known what it does again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.repeated: dict[str, tuple[float, Callable[[], object]]] = {}

    def call_repeatedly(self, delay: float, callback: Callable[[], object]) -> object:
        self.repeated[callback.__name__] = (delay, callback)
        return super().call_repeatedly(delay, callback)


def test_redis_is_asked_every_second_for_what_a_dead_worker_had(redis: Redis) -> None:
    """Kombu by itself looks once in a hundred seconds; the sweep, which does more, hides that."""
    redis.clear()
    settings = JobSettings(executor="celery", broker_url=redis.url(), delivery_timeout_s=60)
    app, hub, queue = make_app(settings), Watched(), "headwater.hot"
    asyncio.run(CeleryCourier(app).deliver(["a job"], JobQueue.HOT))
    with app.connection_for_read() as dead, app.connection_for_read() as alive:
        assert dead.default_channel.basic_get(queue)  # and nothing more is heard of it
        alive.default_channel.basic_consume(queue, False, print, "alive")
        alive.register_with_event_loop(hub)
        delay_s, look = hub.repeated["maybe_restore_messages"]
        assert delay_s == 1
        client = alive.default_channel.client
        (tag,) = client.zrange("unacked_index", 0, -1)
        for ago_s, waiting in ((50, 0), (61, 1)):  # each look counts, not every tenth
            client.zadd("unacked_index", {tag: time.time() - ago_s})
            look()
            assert client.llen(queue) == waiting


def test_a_broker_that_is_restarted_and_messages_that_are_lost(
    rabbitmq: RabbitMq, tmp_path: Path
) -> None:
    paths = album(tmp_path / "in", 4)
    rabbitmq.clear()
    with farm(tmp_path, **celery(rabbitmq.url())) as workers:
        # The bulk's, and a worker for that alone: it has to look for them as well.
        workers.submit(paths[:2], "--queue", "bulk")
        rabbitmq.purge("headwater.bulk")
        workers.worker("--queues", "bulk")
        wait_until(lambda: any(one.state is not JobState.QUEUED for one in workers.jobs()))
        rabbitmq.stop()
        # Queued, and a warning: nobody can be told.
        workers.submit(paths[2:], "--queue", "bulk")
        rabbitmq.start()
        wait_until(workers.all_over)
        workers.check(4)


def test_a_job_that_is_canceled_amid_its_track_and_one_that_kills_its_workers(
    rabbitmq: RabbitMq, tmp_path: Path
) -> None:
    rabbitmq.clear()
    with farm(tmp_path, JOBS__ATTEMPTS="2", **celery(rabbitmq.url())) as workers:
        (job,) = workers.submit([long_master(tmp_path / "in", 480.0)])
        worker = workers.worker()
        wait_until(lambda: workers.is_encoding(job))
        workers.run("jobs", "cancel", job[:8])
        wait_until(lambda: not _encoders(workers, worker.pid))
        assert workers.job(job).state is JobState.CANCELED
        workers.run("jobs", "retry", job)
        for lost in (1, 2):
            wait_until(lambda: workers.is_encoding(job))
            os.kill(_child(workers, worker.pid), signal.SIGKILL)
            wait_until(partial(_has_lost, workers, job, lost))
        parked = workers.job(job)
        assert parked.state is JobState.PARKED
        assert [one.ended for one in parked.log] == ["canceled", "lost", "lost"]
        assert not list((workers.home / "storage").rglob("*.mp4"))


def _has_lost(workers: Farm, job: str, count: int) -> bool:
    return sum(one.ended == "lost" for one in workers.job(job).log) == count


def _child(workers: Farm, worker: int) -> int:
    """The process of a worker that does the tracks: the parent of what encodes."""
    encoder = _encoders(workers, worker)[0]
    pid = encoder
    while (parent := _parent(pid)) != worker:
        pid = parent
    return pid


def _encoders(workers: Farm, worker: int) -> list[int]:
    return [pid for pid in tree(worker) if b"-filter_complex" in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
