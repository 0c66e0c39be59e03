from __future__ import annotations

from itertools import chain, combinations

import pytest

from drm.errors import Denied
from drm.tiers import Tiers

ORDER = ("standard", "premium", "lossless")
TIERS = Tiers(ORDER, {"free": ("standard",), "premium": ("lossless", "standard", "premium")})


def test_a_subscription_opens_its_tiers_in_ladder_order() -> None:
    assert TIERS.opened_by("free") == ("standard",)
    assert TIERS.opened_by("premium") == ORDER


@pytest.mark.parametrize("name", ["", "standard", "Premium", "nobody"])
def test_an_unknown_subscription_is_denied(name: str) -> None:
    with pytest.raises(Denied) as caught:
        TIERS.opened_by(name)
    assert caught.value.reason == "unknown-subscription"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("premium", ORDER),  # the subscription wins over the tier of the same name
        ("free", ("standard",)),
        ("standard", ("standard",)),
        ("lossless", ORDER),
    ],
)
def test_a_name_is_a_subscription_or_a_tier_and_those_below(
    text: str, expected: tuple[str, ...]
) -> None:
    assert TIERS.named(text) == expected


def test_a_tier_of_no_subscription_opens_those_below() -> None:
    assert Tiers(ORDER, {}).named("premium") == ("standard", "premium")


def test_an_unknown_name_is_denied_and_the_known_ones_told() -> None:
    with pytest.raises(Denied, match="free, premium, standard, lossless"):
        TIERS.named("gold")


def test_a_subscription_cannot_open_a_tier_the_ladder_lacks() -> None:
    with pytest.raises(ValueError, match="'gold'"):
        Tiers(ORDER, {"vip": ("standard", "gold")})


def test_every_set_of_tiers_has_exactly_one_spelling() -> None:
    subsets = list(chain.from_iterable(combinations(ORDER, size) for size in (1, 2, 3)))
    for tiers in subsets:
        text = TIERS.access(tuple(reversed(tiers)))
        assert text == "-".join(tiers)
        assert TIERS.parse_access(text) == tiers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "standard-",
        "-standard",
        "premium-standard",
        "standard-standard",
        "standard--premium",
        "Standard",
        "gold",
        "standard-gold",
        "standard premium",
    ],
)
def test_other_spellings_are_no_access(text: str) -> None:
    assert TIERS.parse_access(text) is None


@pytest.mark.parametrize("tiers", [(), ("gold",), ("standard", "gold")])
def test_no_access_is_written_for_what_is_no_set_of_tiers(tiers: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not a set of tiers"):
        TIERS.access(tiers)
