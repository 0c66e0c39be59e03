"""No password leaves through a message."""

from __future__ import annotations

import pytest

from configs.masking import shown


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("catalog.url", "postgresql://u:pw@h/db", "postgresql://u:***@h/db"),
        ("catalog.url", "postgresql://u:p@w@h/db", "postgresql://u:***@h/db"),
        ("catalog.url", "postgresql+psycopg://u:p/pw#x@h/db", "postgresql+psycopg://u:***@h/db"),
        ("catalog.url", "postgresql://u:pw?x@h/db", "postgresql://u:***@h/db"),
        ("catalog.url", "postgresql://u@corp:p pw@h/db", "postgresql://u@corp:***@h/db"),
        ("api.redis_url", "redis://:pw@h:6379/0", "redis://:***@h:6379/0"),
        ("origin.public_url", "https://h:8443/a", "https://h:8443/a"),
        ("catalog.url", "postgresql://h/db?user=u&password=pw", None),
        ("catalog.url", "sqlite+aiosqlite:////srv/a.db", "sqlite+aiosqlite:////srv/a.db"),
        ("origin.public_url", "https://music.example.com", "https://music.example.com"),
        ("origin.public_url", "https://u:pw@music.example.com", None),
        ("storage.secret_key", "pw", "***"),
        ("mail.password", "pw", "***"),
        ("drm.token_file", "tokens.json", "tokens.json"),
        ("proxies", ("http://u:pw@p",), ("http://u:***@p",)),
        ("proxies", ["http://u:pw@p"], ["http://u:***@p"]),
        ("drm", {"secret": "pw", "a": 1}, {"secret": "***", "a": 1}),
        ("origin.port", 80, 80),
    ],
)
def test_passwords_are_masked_and_nothing_else(key: str, value: object, masked: object) -> None:
    seen = shown(key, value)
    assert "pw" not in str(seen)
    if masked is not None:
        assert seen == masked
