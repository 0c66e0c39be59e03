"""The short form of scripts/fault/crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.support.crash import Crash, crash
from tests.support.ground import Ground, on_broker

pytestmark = [pytest.mark.slow]


def test_an_album_that_is_killed_anywhere_is_published_once(tmp_path: Path) -> None:
    print(crash(tmp_path, Crash(kills=3, tracks=2, seed=7), Ground(), say=print))


@pytest.mark.server
@pytest.mark.xdist_group("workers")
def test_nor_do_a_dying_broker_and_database_harm_it(
    redis: Redis, postgres: Postgres, tmp_path: Path
) -> None:
    redis.clear()
    ground = on_broker(redis, postgres)
    print(crash(tmp_path, Crash(kills=4, tracks=2, seed=2), ground, say=print))
