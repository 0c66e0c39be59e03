"""`kill -9` amid licenses: every one that was answered is in the audit, which is whole."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from catalog import audit as rows
from catalog import keys as stored
from catalog.audit import AuditFilter
from configs import paths
from configs.settings import Settings
from drm.audit import open_key, token_name
from drm.audit_check import verify
from drm.model import PlaybackToken
from drm.playback_token import PlaybackTokens
from drm.token_keys import TokenKeys
from packager.model import Scheme
from pipeline.cli.compose import open_catalog, open_deps
from tests.support.origin_process import address_of, headwater
from tests.support.stored_keys import store_keys

TRACK = "t" + "a" * 20
PLAYERS = 24


class Listeners:
    """Players that ask for licenses without end, each time under a token of its own."""

    def __init__(self, tokens: PlaybackTokens, body: bytes) -> None:
        self._tokens = tokens
        self._body = body
        self._expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        self.sent = 0
        self.answered: list[str] = []  # tokens whose license has arrived whole
        self._arrived = asyncio.Event()

    def _token(self) -> str:
        self.sent += 1
        expires = self._expires + timedelta(seconds=self.sent)
        return self._tokens.issue(PlaybackToken(f"tracks/{TRACK}/", ("standard",), expires))

    @asynccontextmanager
    async def playing(self, url: str) -> AsyncIterator[None]:
        """Ask until the end of the block."""
        async with aiohttp.ClientSession() as client:
            tasks = [asyncio.create_task(self._play(client, url)) for _ in range(PLAYERS)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _play(self, client: aiohttp.ClientSession, url: str) -> None:
        while True:
            token = self._token()
            bearer = {"Authorization": f"Bearer {token}"}
            try:
                async with client.post(
                    f"{url}/license/clearkey", data=self._body, headers=bearer
                ) as response:
                    await response.read()
                    if response.status == 200:
                        self.answered.append(token)
                        self._arrived.set()
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)

    async def until(self, count: int) -> None:
        """Until so many more licenses have arrived."""
        wanted = len(self.answered) + count
        async with asyncio.timeout(60):
            while len(self.answered) < wanted:
                self._arrived.clear()
                await self._arrived.wait()


async def make_home(settings: Settings) -> Listeners:
    """A catalog with a track, and listeners who ask for its key."""
    async with open_deps(settings) as deps:
        await store_keys(deps.catalog, deps.keyring, 1)
        async with deps.catalog.connect() as tx:
            records = await stored.for_revision(tx, TRACK, "1" * 16)
    wanted = ("standard", Scheme.CBCS.value)
    kid = next(one.kid for one in records if (one.tier, one.scheme) == wanted)
    text = urlsafe_b64encode(kid).rstrip(b"=")
    keys = TokenKeys.open(paths.token_file(settings), create=True)
    return Listeners(PlaybackTokens(keys.playback), b'{"kids":["%s"]}' % text)


@contextmanager
def serving(settings: Settings, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Two workers, until the end of the block."""
    environment = os.environ | {"HEADWATER_HOME": str(settings.home)}
    command = headwater("serve", "--port", "0", "--workers", "2")
    with said.open("w") as log:
        process = subprocess.Popen(command, stderr=log, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.server
async def test_every_license_that_was_answered_is_in_the_audit(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    listeners = await make_home(settings)
    for kill in (kill_a_worker, kill_all):
        with serving(settings, tmp_path / "said") as process:
            url = await asyncio.to_thread(address_of, process, tmp_path / "said")
            async with listeners.playing(url):
                await listeners.until(150)
                kill(process.pid)
                if kill is kill_a_worker:
                    await listeners.until(100)  # by the other one, and the one after it
    assert len(listeners.answered) >= 400
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        verified = await verify(tx, open_key(paths.audit_file(settings), create=False))
        entries = await rows.newest(tx, AuditFilter(event="license"), 1_000_000)
    recorded = {entry.who for entry in entries}
    assert recorded >= {token_name(token) for token in listeners.answered}
    assert len(recorded) <= listeners.sent
    assert verified.chains >= 4  # of each worker that gave licenses


def kill_a_worker(pid: int) -> None:
    """Of those that serve."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)


def kill_all(pid: int) -> None:
    """Whatever they do."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (pid, *map(int, children)):
        os.kill(one, signal.SIGKILL)
