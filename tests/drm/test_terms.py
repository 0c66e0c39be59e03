from __future__ import annotations

import re

import pytest

from drm.policy import Terms
from drm.terms import AllTerms, account_of
from drm.tiers import Tiers

TIERS = Tiers(("standard", "premium"), {"free": ("standard",), "premium": ("standard", "premium")})
TERMS = AllTerms(TIERS, streams={"free": 1}, offline=("premium",))


def test_a_policy_is_the_terms_of_its_subscription() -> None:
    assert TERMS.of_policy(TERMS.policy("free")) == Terms(1, offline=False)
    assert TERMS.of_policy(TERMS.policy("premium")) == Terms(None, offline=True)
    with pytest.raises(KeyError):
        TERMS.policy("nobody")


def test_a_token_without_a_policy_has_terms_of_its_own() -> None:
    assert TERMS.of_policy(None) == Terms(None, offline=False)


@pytest.mark.parametrize(
    "other",
    [
        AllTerms(TIERS, streams={"free": 2}, offline=("premium",)),
        AllTerms(TIERS, streams={"free": 1}, offline=("free", "premium")),
        AllTerms(TIERS, offline=("premium",)),
        AllTerms(
            Tiers(("standard", "premium"), {"free": ("standard", "premium"), "premium": ()}),
            streams={"free": 1},
        ),
    ],
)
def test_other_terms_are_another_policy(other: AllTerms) -> None:
    assert other.of_policy(TERMS.policy("free")) is None


def test_the_same_settings_are_the_same_policy_everywhere() -> None:
    again = AllTerms(TIERS, streams={"free": 1}, offline=["premium"])
    assert again.policy("free") == TERMS.policy("free")


def test_names_fit_into_tokens() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{8}", TERMS.policy("free"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", account_of("listener@example.com"))
    assert account_of("a") != account_of("b")
