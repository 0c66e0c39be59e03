"""PostgreSQL: a pool of connections, isolation levels, time limits, and errors made ours.

Reads are REPEATABLE READ and READ ONLY: one consistent state, and never an error for what others
write meanwhile. Writes are READ COMMITTED: each statement sees what is committed, and what must
not happen side by side is kept apart by `catalog.locks`.
"""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from catalog.errors import CatalogConflict, CatalogError, CatalogMismatch, CatalogUnavailable

DRIVER = "postgresql+psycopg"
LOCK_S = 30.0  # how long a writer waits for another; a publish takes milliseconds
_IDLE_S = 300  # a transaction in which nothing happens for so long has lost its owner
_RECYCLE_S = 1800  # a connection is not kept for longer: firewalls forget, servers fail over
_TRUSTED_S = 10.0  # a connection that was in use so lately is looked at, not asked
_SETTINGS = (
    # How much of a word's trigrams `%` of pg_trgm asks for. Two letters of four in another order
    # share none but the first: so little must be enough (`catalog.spelling`).
    "-c pg_trgm.similarity_threshold=0.2 "
    # What psycopg has prepared is planned for each value all the same: nearly all jobs are done,
    # hardly any failed, and one plan for both would read all for the few.
    "-c plan_cache_mode=force_custom_plan"
)
_RESTS = "headwater_rests"  # in a connection's record: since when nobody has used it


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """The connections of one process to one server."""

    connections: int = 10  # at most
    connect_timeout_s: float = 10.0  # to the server, and to a free connection of the pool
    statement_timeout_s: float = 60.0  # a statement that takes longer is ended; 0: none is


_READ_ONLY = "may only be read: name the primary server, not a replica"
# SQLSTATE or its class (PostgreSQL, appendix A), our error, and what it means to an operator.
# The first that begins so counts. None: what the server says is best.
_CAUSES: tuple[tuple[str, type[CatalogError], str | None], ...] = (
    ("40001", CatalogConflict, "another transaction was faster"),
    ("40P01", CatalogConflict, "it and another transaction waited for each other"),
    ("55P03", CatalogUnavailable, f"another transaction kept it locked for {LOCK_S:g} s"),
    ("57014", CatalogUnavailable, "a statement took longer than catalog.statement_timeout_s"),
    ("57P03", CatalogUnavailable, "the server is starting or stopping"),
    ("57P", CatalogUnavailable, "the server was stopped"),
    ("25006", CatalogUnavailable, _READ_ONLY),
    ("25P03", CatalogUnavailable, f"nothing happened in a transaction for {_IDLE_S} s"),
    ("53100", CatalogUnavailable, "no space left on the server's disk"),
    ("53300", CatalogUnavailable, "the server has no connection left: see catalog.connections"),
    ("53", CatalogUnavailable, None),
    ("58", CatalogUnavailable, None),
    ("08", CatalogUnavailable, None),
    ("28", CatalogError, None),
    ("3D000", CatalogError, "there is no such database: make it (createdb)"),
    ("42501", CatalogError, "the user has not got the rights to do this"),
    ("42P01", CatalogMismatch, "has not got this program's tables"),
    ("42703", CatalogMismatch, "has not got this program's tables"),
    ("22001", CatalogError, "a text is longer than its column"),
    ("XX", CatalogError, "is damaged: restore it from a backup"),
)


def make_engine(url: URL, pool: PoolOptions) -> AsyncEngine:
    """Make the engine. CatalogError where psycopg is missing."""
    try:
        engine = create_async_engine(
            url,
            hide_parameters=True,
            isolation_level="REPEATABLE READ",
            pool_size=pool.connections,
            max_overflow=0,
            pool_timeout=pool.connect_timeout_s,
            pool_recycle=_RECYCLE_S,
            pool_use_lifo=True,  # what is not needed at quiet times ages and goes
            connect_args={
                "connect_timeout": max(1, round(pool.connect_timeout_s)),
                "options": _options(url, pool),
                "fallback_application_name": "headwater",
                # A server that vanished is noticed in a minute, not in the system's two hours.
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
            },
        )
    except ModuleNotFoundError as exc:
        raise CatalogError("PostgreSQL needs psycopg: pip install 'headwater[postgresql]'") from exc
    _test_before_use(engine)
    return engine


def reader_of(engine: AsyncEngine) -> AsyncEngine:
    """The same engine and pool, whose transactions only read."""
    return engine.execution_options(postgresql_readonly=True)


def glancer_of(engine: AsyncEngine) -> AsyncEngine:
    """The same engine and pool, whose statements are transactions of their own."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def writer_of(engine: AsyncEngine) -> AsyncEngine:
    """The same engine and pool, whose transactions write."""
    return engine.execution_options(isolation_level="READ COMMITTED")


def _test_before_use(engine: AsyncEngine) -> None:
    """See to it that a server that was restarted costs the next reader a moment, not an error.

    A server that ends, or is ended, says so or hangs up, and its word waits at our socket: looking
    there takes no way to the server and back. What was idle for longer is asked all the same.
    """
    dialect = engine.dialect

    def rests(_connection: Any, record: Any) -> None:
        record.info[_RESTS] = time.monotonic()

    def test(connection: Any, record: Any, _proxy: object) -> None:
        since = record.info.get(_RESTS)
        if since is None:  # it is new
            return
        if time.monotonic() - since < _TRUSTED_S and _is_quiet(connection):
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as exc:
            if not dialect.is_disconnect(exc, connection, None):
                raise
            raise InvalidatePoolError from exc  # the others are older: each is made anew

    event.listen(engine.sync_engine, "checkin", rests)  # codespell:ignore checkin
    event.listen(engine.sync_engine, "checkout", test)


def _is_quiet(connection: Any) -> bool:
    """Whether the server has neither said anything nor hung up since it was last asked."""
    if connection.closed:
        return False
    socket = select.poll()
    socket.register(connection.driver_connection.fileno(), select.POLLIN)
    return not socket.poll(0)


def place_of(url: URL) -> str:
    """Name the database for people: without the password, and what else the URL carries."""
    host = url.host or url.query.get("host", "")
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host}{port}/{url.database or ''}"


def meaning(place: str, exc: DBAPIError) -> CatalogError:
    """Make our error of what the server or libpq said: never its DETAIL, which holds values."""
    sqlstate = getattr(exc.orig, "sqlstate", None)
    said = str(exc.orig).strip()
    if sqlstate is None and isinstance(exc, OperationalError):
        return _not_connected(place, said)
    line = said.splitlines()[0] if said else "failed without a word"
    if line.endswith("during recovery"):  # a replica refuses to begin: 0A000, as much else
        return CatalogUnavailable(f"{place}: {_READ_ONLY}")
    for start, kind, what in _CAUSES:
        if sqlstate is not None and sqlstate.startswith(start):
            return kind(f"{place}: {what or line}")
    return CatalogError(f"{place}: {line}")


def _not_connected(place: str, said: str) -> CatalogError:
    """A failure to connect, and a lost connection, have no SQLSTATE: only libpq's words."""
    for part, what in (
        ("password", "the user name or password is wrong, or none was given"),
        ("no pg_hba.conf entry", "the server does not let this user or machine in"),
    ):
        if part in said:
            return CatalogError(f"{place}: {what}")
    line = next((one for one in said.splitlines() if "failed: " in one), said or "failed")
    cause = line.splitlines()[0].rpartition("failed: ")[2].removeprefix("FATAL:").strip()
    if "does not exist" in cause:
        return CatalogError(f"{place}: {cause}")
    return CatalogUnavailable(f"{place}: {cause}")


def _options(url: URL, pool: PoolOptions) -> str:
    """The `options` of libpq: settings of each connection at the server. The URL's own win."""
    given = url.query.get("options", "")
    ours = {
        "statement_timeout": pool.statement_timeout_s,
        "lock_timeout": LOCK_S,
        "idle_in_transaction_session_timeout": _IDLE_S,
    }
    limits = " ".join(f"-c {name}={round(seconds * 1000)}" for name, seconds in ours.items())
    return f"{limits} {_SETTINGS} {given}".strip()
