"""The short form of `scripts/soak/origin`."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.soak_origin import Soaked, Worker, soak
from tests.support.listeners import Heard

pytestmark = [pytest.mark.server, pytest.mark.slow]


async def test_an_origin_under_load_neither_errs_nor_grows(tmp_path: Path) -> None:
    soaked = await soak(tmp_path, seconds=6, workers=2, listeners=6)
    assert soaked.problems() == []
    assert sum(one.done for one in soaked.heard) > 200
    assert len(soaked.workers) == 2
    assert soaked.lines()[-1] == "ok"


def test_growth_leaks_and_errors_are_told() -> None:
    grown = Worker([1 << 20] * 6 + [99 << 20] * 3, [10] * 6 + [50] * 3)
    heard = Heard(done=9, wrong=["/x"], failed=[(0.0, "503")])
    told = Soaked([heard], {7: grown}, 9.0).problems()
    assert told == [
        "503",
        "wrong bytes: /x",
        "worker 7 grew by 98 MiB",
        "worker 7 has 40 more open files",
    ]
