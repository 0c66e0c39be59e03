"""Only what may pass is tried again, and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from storage.base import StorageError
from storage.retrying import Retrying


class Flaky:
    """Fails so often, then answers."""

    def __init__(self, failures: int, *, transient: bool = True) -> None:
        self.failures = failures
        self.transient = transient
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            msg = "away"
            raise StorageError(msg, transient=self.transient)
        return self.calls


async def test_what_passes_is_tried_again() -> None:
    assert await Retrying(30).run(Flaky(3)) == 4


async def test_what_does_not_pass_is_not() -> None:
    flaky = Flaky(1, transient=False)
    with pytest.raises(StorageError):
        await Retrying(30).run(flaky)
    assert flaky.calls == 1


async def test_no_time_is_one_try() -> None:
    flaky = Flaky(1000)
    with pytest.raises(StorageError):
        await Retrying(0).run(flaky)
    assert flaky.calls <= 2  # a wait may be of no length


async def test_it_ends() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(StorageError):
        await Retrying(0.5).run(Flaky(1000))
    assert asyncio.get_running_loop().time() - began < 5


async def test_other_errors_are_not_ours() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Retrying(30).run(fail)
