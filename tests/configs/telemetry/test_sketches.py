from __future__ import annotations

import time

import pytest

from configs.telemetry.sketches import Active, SeenLately


@pytest.mark.parametrize("many", [0, 1, 1000, 50_000])
def test_who_is_active_is_counted_to_a_hundredth(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    active = Active(window_s=60)
    for number in range(many):
        active.see(f"token {number}")
        active.see(f"token {number}")
    assert active.estimate() == 0  # their window is not over
    now += 60
    active.turn()
    assert active.estimate() == pytest.approx(many, rel=0.01, abs=0.1)
    now += 60
    active.turn()
    assert active.estimate() == 0


def test_what_was_seen_is_new_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lately = SeenLately(within_s=100)
    assert [lately.is_new(one) for one in "aba"] == [True, True, False]
    now += 99
    assert not lately.is_new("a")  # and seen again
    now += 99
    assert not lately.is_new("a")
    assert lately.is_new("b")
