from __future__ import annotations

import pytest

from drm.vendors import Breaker
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, pause_s=10.0, clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.enter()
        breaker.failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.enter()
    breaker.succeeded()
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    assert not breaker.enter()


def test_after_the_pause_one_is_let_in(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now_s += 9.9
    assert not breaker.enter()
    clock.now_s += 0.1
    assert breaker.enter()
    assert not breaker.enter()
    breaker.succeeded()
    assert breaker.enter()
    assert breaker.enter()


def test_if_that_one_fails_the_pause_begins_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now_s += 10
    fail(breaker, 1)
    clock.now_s += 9.9
    assert not breaker.enter()
    clock.now_s += 0.1
    assert breaker.enter()


def test_if_that_one_goes_away_another_is_let_in(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now_s += 10
    assert breaker.enter()
    breaker.left()
    assert breaker.enter()


def test_those_who_were_inside_together_all_count(breaker: Breaker) -> None:
    assert all(breaker.enter() for _ in range(5))
    for _ in range(5):
        breaker.failed()
    assert breaker.is_open
