"""What the settings of terms and territories must say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from configs.settings import DrmSettings, OriginSettings


def test_terms_of_subscriptions() -> None:
    settings = DrmSettings(streams={"free": 1, "premium": 3}, offline=("premium",))
    assert settings.streams == {"free": 1, "premium": 3}


@pytest.mark.parametrize(
    "values",
    [
        {"streams": {"free": 0}},
        {"streams": {"free": True}},
        {"streams": {"fre": 1}},
        {"offline": ("premum",)},
        {"stream_ttl_s": 1},
    ],
)
def test_terms_that_make_no_sense(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DrmSettings.model_validate(values)


def test_a_country_header_is_believed_from_somebody() -> None:
    OriginSettings(country_header="CF-IPCountry", trusted_proxies=("10.0.0.0/8",))
    with pytest.raises(ValidationError, match="trusted_proxies"):
        OriginSettings(country_header="CF-IPCountry")
    with pytest.raises(ValidationError):
        OriginSettings(country_header="CF IPCountry", trusted_proxies=("10.0.0.0/8",))
