"""A catalog that fails, hangs and comes back, as one worker sees it."""

from __future__ import annotations

import asyncio
import time

import pytest

from catalog.errors import CatalogUnavailable, NotFound
from origin.outage import Known, Outage
from origin.problems import Missing


class Part:
    """Answers, fails, or takes its time."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.seconds = 0.0
        self.asked = 0

    async def load(self) -> str:
        """What a catalog would say."""
        self.asked += 1
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return "new"


def known(age_s: float = 0.0) -> Known[str]:
    return Known("old", time.monotonic() - age_s)


async def test_while_it_answers_it_is_asked() -> None:
    part, outage = Part(), Outage(60)
    assert await outage.ask(part.load, known()) == "new"
    part.error = NotFound("track", "t")  # which is an answer, too
    with pytest.raises(NotFound):
        await outage.ask(part.load, known())
    assert not outage.is_on


async def test_who_is_known_goes_on_and_others_are_told() -> None:
    part, outage = Part(), Outage(60)
    part.error = CatalogUnavailable("away")
    assert await outage.ask(part.load, known(59)) == "old"
    assert outage.is_on
    for stranger in (None, known(61)):
        with pytest.raises(CatalogUnavailable):
            await outage.ask(part.load, stranger)
    assert [await outage.ask(part.load, known()) for _ in range(50)] == ["old"] * 50
    assert part.asked == 1  # and not by each of them
    await outage.close()


async def test_no_grace_means_none() -> None:
    part, outage = Part(), Outage(0)
    part.error = CatalogUnavailable("away")
    with pytest.raises(CatalogUnavailable):
        await outage.ask(part.load, known(0.01))


async def test_that_there_is_no_such_thing_is_an_answer() -> None:
    part, outage = Part(), Outage(60, pause_s=0)
    part.error = CatalogUnavailable("away")
    assert await outage.ask(part.load, known()) == "old"
    part.error = Missing()  # what a load makes of what it reads
    assert await outage.ask(part.load, known()) == "old"  # it is tried beside, nobody waits
    await asyncio.sleep(0.01)
    is_back = not outage.is_on
    assert is_back
    with pytest.raises(Missing):
        await outage.ask(part.load, known())


async def test_one_that_hangs_is_away_and_is_found_when_it_is_back() -> None:
    part, outage = Part(), Outage(60, patience_s=0.01, pause_s=0.05)
    part.seconds = 60.0
    assert await outage.ask(part.load, known()) == "old"
    part.seconds = 0.0
    assert await outage.ask(part.load, known()) == "old"
    assert part.asked == 1
    await asyncio.sleep(0.06)
    assert await outage.ask(part.load, known()) == "old"  # it is tried beside, nobody waits
    await asyncio.sleep(0.01)
    is_back = not outage.is_on
    assert is_back
    assert await outage.ask(part.load, known()) == "new"
