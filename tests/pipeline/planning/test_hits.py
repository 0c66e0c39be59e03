from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.planning.hits import Che, Hits, Kind, simulate

ONE = {"a": Kind(1.0, 100.0)}
TWO = {"a": Kind(0.7, 100.0), "b": Kind(0.3, 900.0), "never": Kind(0.0, 1.0)}


def test_no_cache_answers_nothing_and_a_whole_one_everything() -> None:
    che = Che(1000, 0.9, TWO)
    assert che.bytes == pytest.approx(1_000_000)
    assert che.hits(0) == Hits(0.0, 0.0)
    assert che.hits(che.bytes) == Hits(1.0, 1.0)


@given(
    songs=st.integers(1, 10**8),
    zipf_s=st.floats(0.3, 1.6),
    part=st.floats(0.001, 0.9),
)
def test_a_larger_cache_is_never_worse(songs: int, zipf_s: float, part: float) -> None:
    che = Che(songs, zipf_s, ONE)
    small, large = (che.hits(che.bytes * one).requests for one in (part, min(1.0, part * 1.1)))
    assert 0 <= small <= large + 1e-6
    assert large <= 1 + 1e-9


@pytest.mark.parametrize("songs", [500, 5000, 10**6])
def test_groups_of_ranks_hold_all_songs(songs: int) -> None:
    assert Che(songs, 1.0, ONE).bytes == pytest.approx(songs * 100)


@pytest.mark.parametrize(("zipf_s", "part"), [(0.7, 0.05), (0.9, 0.02), (1.1, 0.1)])
def test_the_approximation_is_what_an_lru_cache_does(zipf_s: float, part: float) -> None:
    che = Che(2000, zipf_s, TWO)
    cache = che.bytes * part
    played = simulate(2000, zipf_s, TWO, cache, requests=60_000)
    reckoned = che.hits(cache)
    assert played.requests == pytest.approx(reckoned.requests, abs=0.015)
    assert played.bytes == pytest.approx(reckoned.bytes, abs=0.02)


def test_the_same_seed_plays_the_same() -> None:
    first, again, other = (
        simulate(100, 0.9, TWO, 5000, requests=1000, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other
