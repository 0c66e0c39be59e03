"""What a log line may hold."""

from __future__ import annotations

import pytest

from origin.access_log import redact


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/t/secret/tracks/x/1.m4s", "/v1/t/-/tracks/x/1.m4s"),
        ("/v1/t/secret/tracks/x/1.m4s?CMCD=br", "/v1/t/-/tracks/x/1.m4s"),
        ("/v1/t/secret", "/v1/t/-"),
        ("/v1/auth/secret/tracks/x/1.m4s", "/v1/auth/-/tracks/x/1.m4s"),
        ("/v1/t/secret?x", "/v1/t/-"),
        ("http://host/v1/t/secret/a", "http://host/v1/t/-/a"),
        ("/license/clearkey?token=secret", "/license/clearkey"),
        ("/license/clearkey?%74oken=secret", "/license/clearkey"),
        ("/", "/"),
        ("/a\nb\x1b[0m\u00e9", "/a\\nb\\x1b[0m\\xe9"),
    ],
)
def test_tokens_queries_and_control_characters_are_left_out(target: str, expected: str) -> None:
    assert redact(target) == expected
