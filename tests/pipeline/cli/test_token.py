from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.cli.compose import open_tokens
from tests.support.cli_home import Home


def test_a_minted_token_says_what_was_asked_for(home: Home) -> None:
    args = ("--subscription", "free", "--subject", "alice", "--ttl", "60")
    text = home.run("token", "mint", *args).stdout.strip()
    now = datetime.now(UTC)
    token = open_tokens(home.settings).access.verify(text, now)
    assert (token.subject, token.subscription) == ("alice", "free")
    assert timedelta(0) < token.expires_at - now <= timedelta(seconds=60)


def test_a_programs_token_opens_no_tier(home: Home) -> None:
    text = home.run("token", "mint", "--scope", "speke:keys", "--subject", "packager").stdout
    token = open_tokens(home.settings).access.verify(text.strip(), datetime.now(UTC))
    assert token.scopes == {"speke:keys"}
    assert token.subscription not in home.settings.drm.subscriptions


def test_the_settings_say_how_long_it_lasts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_DRM__ACCESS_TTL_S", "120")
    text = home.run("token", "mint").stdout.strip()
    now = datetime.now(UTC)
    token = open_tokens(home.settings).access.verify(text, now)
    assert timedelta(seconds=100) < token.expires_at - now <= timedelta(seconds=120)
    assert token.subscription == "premium"


def test_the_player_page_gets_the_token_where_no_log_sees_it(home: Home) -> None:
    url = home.run("token", "mint", "--player-url", "https://music.example/").stdout.strip()
    page, _, session = url.partition("#session=")
    assert page == "https://music.example/"
    token = open_tokens(home.settings).access.verify(session, datetime.now(UTC))
    assert token.subject == "operator"


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        (("--subscription", "gold"), "no subscription 'gold'; there are: free, premium"),
        (("--ttl", "0"), "0 is not in the range"),
        (("--ttl", "99999999"), "not in the range"),
    ],
)
def test_what_cannot_be_minted_is_wrong_usage(
    home: Home, args: tuple[str, ...], cause: str
) -> None:
    result = home.run("token", "mint", *args, code=2)
    assert cause in result.stderr
    assert result.stdout == ""
