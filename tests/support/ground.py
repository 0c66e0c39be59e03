"""What a crash run stands on: catalog, storage and broker, as real servers that can be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from psycopg import sql

from tests.servers import postgres as postgresql
from tests.servers import rabbitmq, redis, rgw
from tests.servers.buckets import client, make_bucket
from tests.servers.postgres import Postgres, database_of
from tests.servers.rabbitmq import RabbitMq
from tests.servers.redis import Redis
from tests.servers.s3_server import S3Server
from tests.support.farm import celery

_DELIVERIES = "deliveries"  # where the masters of a run on a bucket are


class Mortal(Protocol):
    """A server that can be killed with -9, and started again with what it had written."""

    def kill(self) -> None:
        """Kill it."""

    def start(self) -> None:
        """Start it; it answers when this returns."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a run's objects are, if not in a folder."""

    server: S3Server
    name: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What the processes of a run are told, and what of it may be killed."""

    settings: Mapping[str, str] = field(default_factory=dict)  # variables without HEADWATER_
    servers: Mapping[str, Mortal] = field(default_factory=dict)  # "broker", "database", "storage"
    bucket: Bucket | None = None
    workers: int = 1
    is_watched: bool = False  # `headwater ingest` itself does the work, and is run again

    def deliver(self, masters: Sequence[Path]) -> list[str]:
        """Put masters where the workers get them from; their addresses."""
        if self.bucket is None:
            return [str(path) for path in masters]
        s3 = client(self.bucket.server)
        for path in masters:
            s3.upload_file(str(path), _DELIVERIES, path.name)
        s3.close()
        return [f"s3://{_DELIVERIES}/{path.name}" for path in masters]


def on_postgres(server: Postgres) -> tuple[dict[str, str], dict[str, Mortal]]:
    """A catalog of its own on that server, in which what is committed stays."""
    url = server.create()
    database = sql.Identifier(database_of(url))
    # Without that the server may say "committed" before anything is out of its own memory.
    server.run(sql.SQL("ALTER DATABASE {} SET synchronous_commit = on").format(database))
    return {"CATALOG__URL": url}, {"database": server}


def on_bucket(folder: Path, server: S3Server) -> tuple[dict[str, str], Bucket]:
    """A bucket of its own on that server, and one that the masters come from."""
    make_bucket(server, _DELIVERIES)
    bucket = Bucket(server, make_bucket(server, f"crash-{server.address[1]}"))
    secrets = folder / "credentials"
    secrets.touch(0o600)
    secrets.write_text(
        f"[default]\naws_access_key_id = {server.access_key}\n"
        f"aws_secret_access_key = {server.secret_key}\n"
    )
    settings = {
        "STORAGE__KIND": "s3",
        "STORAGE__ENDPOINT": server.endpoint,
        "STORAGE__BUCKET": bucket.name,
        "STORAGE__CREDENTIALS_FILE": str(secrets),
    }
    return settings, bucket


def on_broker(broker: RabbitMq | Redis, database: Postgres) -> Ground:
    """Two workers that a broker tells, with the catalog on PostgreSQL and objects in a folder."""
    catalog, servers = on_postgres(database)
    return Ground({**celery(broker.url()), **catalog}, {**servers, "broker": broker}, workers=2)


@contextmanager
def _bucket(folder: Path) -> Iterator[Ground]:
    with ExitStack() as stack:
        (folder / "ceph").mkdir(parents=True)
        gateway = stack.enter_context(rgw.cluster(folder / "ceph"))
        where, bucket = on_bucket(folder, gateway.server)
        catalog, servers = on_postgres(stack.enter_context(postgresql.running()))
        yield Ground({**where, **catalog}, {**servers, "storage": gateway}, bucket)


@contextmanager
def _rabbitmq(_: Path) -> Iterator[Ground]:
    with postgresql.running() as database, rabbitmq.running() as broker:
        yield on_broker(broker, database)


@contextmanager
def _redis(_: Path) -> Iterator[Ground]:
    with postgresql.running() as database, redis.running() as broker:
        yield on_broker(broker, database)


@contextmanager
def _folder(_: Path) -> Iterator[Ground]:
    yield Ground()


@contextmanager
def _alone(_: Path) -> Iterator[Ground]:
    yield Ground(is_watched=True)


# What scripts/fault/crash calls them, and how each is opened in a folder.
FORMS: Mapping[str, Callable[[Path], AbstractContextManager[Ground]]] = {
    "ingest": _alone,
    "local": _folder,
    "s3": _bucket,
    "rabbitmq": _rabbitmq,
    "redis": _redis,
}
