"""Many who listen at once, and look at every byte: what a load in a test, or a soak, is made of."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp


@dataclass
class Heard:
    """What they got."""

    done: int = 0
    retried: int = 0
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)  # URLs whose bytes were others
    failed: list[tuple[float, str]] = field(default_factory=list)  # when, what
    slowest_s: float = 0.0

    def failures_after(self, instant: float) -> list[str]:
        """What failed later than this `time.monotonic()`."""
        return [what for at, what in self.failed if at > instant]


@asynccontextmanager
async def listening(
    wanted: Mapping[str, str],
    *,
    count: int = 8,
    retries: int = 0,
    pause_s: float = 0.0,
    anew: bool = False,
) -> AsyncIterator[Heard]:
    """Fetch the URLs over and over, each of which has to give bytes of that SHA-256.

    `retries`: how often a connection that breaks is tried again, as players do it. `anew`: each
    request on a connection of its own.
    """
    heard = Heard()
    stop = asyncio.Event()
    connector = aiohttp.TCPConnector(limit=0, force_close=anew, ssl=False)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as client:
        tasks = [
            asyncio.create_task(_listen(client, wanted, heard, stop, number, retries, pause_s))
            for number in range(count)
        ]
        try:
            yield heard
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def _listen(
    client: aiohttp.ClientSession,
    wanted: Mapping[str, str],
    heard: Heard,
    stop: asyncio.Event,
    number: int,
    retries: int,
    pause_s: float,
) -> None:
    urls = list(wanted)
    while not stop.is_set():
        url = urls[number % len(urls)]
        number += 1
        began = time.monotonic()
        said = await _fetch(client, url, wanted[url], heard)
        for _ in range(retries):
            if said != "connection":
                break
            heard.retried += 1
            said = await _fetch(client, url, wanted[url], heard)
        if said is None:
            heard.done += 1
            heard.slowest_s = max(heard.slowest_s, time.monotonic() - began)
        else:
            heard.failed.append((time.monotonic(), said))
            await asyncio.sleep(0.05)
        await asyncio.sleep(pause_s)


async def _fetch(client: aiohttp.ClientSession, url: str, sha256: str, heard: Heard) -> str | None:
    """None for the right bytes; else what came instead."""
    try:
        async with client.get(url, timeout=aiohttp.ClientTimeout(30)) as response:
            body = await response.read()
            if response.status != 200:
                return str(response.status)
    except (aiohttp.ClientError, OSError):
        return "connection"
    except TimeoutError:
        return "timeout"
    heard.bytes += len(body)
    if hashlib.sha256(body).hexdigest() != sha256:
        heard.wrong.append(url)
        return "wrong bytes"
    return None
