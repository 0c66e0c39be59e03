"""The first cases of scripts/fuzz/tokens."""

from __future__ import annotations

import pytest

from scripts.fuzz import token_cases

CASES = 1000


@pytest.mark.parametrize("name", token_cases.READERS)
def test_a_good_one_passes(name: str) -> None:
    reader = token_cases.READERS[name]
    reader.read(reader.seed)


@pytest.mark.parametrize("name", token_cases.READERS)
def test_damage_gives_a_value_or_the_readers_own_error(name: str) -> None:
    failures = [one for one in token_cases.run(CASES, seed=0, only=name) if one is not None]
    assert not failures, [(one.number, one.error, one.data) for one in failures[:3]]
