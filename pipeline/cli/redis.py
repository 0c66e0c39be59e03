"""Redis, which workers of an origin share what they count and remember in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis

_CONNECT_S = 0.5
_ANSWER_S = 0.25  # what is asked of it is never worth waiting longer for
_CONNECTIONS = 32


@asynccontextmanager
async def open_redis(url: str | None) -> AsyncIterator[Redis | None]:
    """A client of the settings' server, which is connected to when something is asked of it."""
    if url is None:
        yield None
        return
    # Who finds all connections in use waits for one as long as for an answer.
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=_ANSWER_S,
        socket_connect_timeout=_CONNECT_S,
        socket_timeout=_ANSWER_S,
        max_connections=_CONNECTIONS,
        client_name="headwater",
    )
    client = Redis.from_pool(pool)
    try:
        yield client
    finally:
        await client.aclose()
