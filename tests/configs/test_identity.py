"""What an identity provider's settings must say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from configs.settings import IdentitySettings

GOOD = {
    "jwks_url": "https://id.example.com/jwks.json?client=1",
    "issuer": "https://id.example.com/",
    "audience": "music",
}


def test_one_that_is_pinned() -> None:
    assert IdentitySettings.model_validate(GOOD).types == ("at+jwt",)


@pytest.mark.parametrize(
    "changes",
    [
        {"jwks_url": "http://id.example.com/jwks.json"},
        {"jwks_url": "https://user:password@id.example.com/"},
        {"jwks_url": "file:///etc/passwd"},
        {"issuer": ""},
        {"audience": ""},
        {"algorithms": ()},
        {"algorithms": ("HS256",)},
        {"algorithms": ("none",)},
        {"types": ()},
        {"types": ("id+jwt",)},
        {"subject_claim": ""},
        {"subject_claim": "/"},
        {"country_claim": "a b"},
    ],
    ids=str,
)
def test_ones_that_are_not(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        IdentitySettings.model_validate({**GOOD, **changes})


def test_the_provider_may_be_on_this_machine() -> None:
    IdentitySettings.model_validate({**GOOD, "jwks_url": "http://127.0.0.1:8081/jwks.json"})
