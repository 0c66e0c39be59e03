"""`kill -9` amid a rotation: every key opens, none is wrapped twice, the next run ends it.

scripts/fault/rotation is the long form.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from catalog import keys
from catalog.engine import Catalog
from drm import key_admin
from drm.audit import open_key
from drm.audit_check import verify
from drm.kek import LocalKek
from drm.keyring import Keyring
from drm.model import ContentKey
from tests.support.origin_process import headwater
from tests.support.stored_keys import store_keys

KEYS = 2000
_TIERS = [f"tier{number}" for number in range(KEYS // 2)]


@dataclass(frozen=True, slots=True)
class Vault:
    """A HOME with keys that are known."""

    home: Path
    known: dict[bytes, ContentKey]

    def rotate(self, *, kill_after_s: float | None = None) -> int:
        """Run it; the exit code, negative where it was killed."""
        environment = os.environ | {"HEADWATER_HOME": str(self.home)}
        command = headwater("keys", "rotate")
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        with process:
            if kill_after_s is not None:
                time.sleep(kill_after_s)
                process.kill()
            _, said = process.communicate(timeout=60)
        assert process.returncode in {0, -9}, said
        return process.returncode

    async def look(self) -> dict[tuple[str, int], int]:
        """Open everything; how many keys each KEK version wraps."""
        catalog = await Catalog.open(f"sqlite+aiosqlite:///{self.home}/catalog.db")
        try:
            keyring = Keyring(LocalKek.open(self.home / "kek.json", create=False))
            opened = {
                record.kid: await keyring.unwrap(record)
                async for record in key_admin.all_keys(catalog)
            }
            assert opened == self.known
            async with catalog.connect() as tx:
                await verify(tx, open_key(self.home / "audit.json", create=True))
                return await keys.count_under(tx)
        finally:
            await catalog.close()


async def _make(home: Path) -> dict[bytes, ContentKey]:
    home.mkdir()
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{home}/catalog.db")
    keyring = Keyring(LocalKek.open(home / "kek.json", create=True))
    try:
        return await store_keys(catalog, keyring, 1, tiers=_TIERS)
    finally:
        await catalog.close()


def kill_rotations(folder: Path, kills: int, seed: int) -> str:
    """Kill that many, each somewhere; one line about it. AssertionError where a key is wrong."""
    home = folder / "home"
    vault = Vault(home, asyncio.run(_make(home)))
    began = time.monotonic()
    vault.rotate()
    whole_s = time.monotonic() - began
    chance = random.Random(seed)
    halves = 0
    for _ in range(kills):
        vault.rotate(kill_after_s=chance.uniform(0.5 * whole_s, 1.05 * whole_s))
        under = asyncio.run(vault.look())
        assert sum(under.values()) == KEYS
        halves += len(under) > 1
    assert vault.rotate() == 0
    assert vault.rotate() == 0  # the one before may have been the end of an interrupted one
    assert list(asyncio.run(vault.look()).values()) == [KEYS]
    assert not list(vault.home.glob(".kek.json.[0-9a-f]*"))
    return f"{kills} kills, {halves} of them with keys under two versions; every key opens"
