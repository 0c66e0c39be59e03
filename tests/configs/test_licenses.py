"""What license vendors need in the settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from configs.settings import LicenseSettings

URL = "https://license.example.com/AcquireLicense?brand=1"
GOOGLE = {"widevine": "google", "widevine_url": URL, "google_provider": "p"}
GOOD: list[dict[str, object]] = [
    {},
    {**GOOGLE, "google_key_file": "google.json"},
    {"playready": "axinom", "playready_url": URL, "axinom_key_id": "aa", "axinom_key_file": "k"},
    {"fairplay": "token", "fairplay_url": "http://127.0.0.1:8081/", "token_key_file": "k"},
]


@pytest.mark.parametrize("values", GOOD, ids=str)
def test_vendors_that_have_what_they_need(values: dict[str, object]) -> None:
    LicenseSettings.model_validate(values)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (GOOGLE, "widevine google needs google_key_file"),
        ({"playready": "axinom", "playready_url": URL}, "playready axinom needs axinom_key_id"),
        ({"fairplay": "token", "token_key_file": "k"}, "fairplay token needs fairplay_url"),
        (
            {"fairplay": "token", "fairplay_url": "http://example.com/", "token_key_file": "k"},
            "over https",
        ),
        ({"playready": "google"}, "playready"),
        ({"token_header": "X Bad"}, "token_header"),
        ({"google_provider": "a b"}, "google_provider"),
        ({"timeout_s": 0}, "timeout_s"),
    ],
    ids=str,
)
def test_vendors_that_have_not(values: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        LicenseSettings.model_validate(values)
