from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drm.canonical import join
from drm.errors import ExpiredToken, InvalidToken
from drm.model import PlaybackToken
from drm.playback_token import PlaybackTokens
from drm.token_keys import SigningKeys

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
KEY = bytes(range(32))
TOKENS = PlaybackTokens(SigningKeys("a1", {"a1": KEY}))
TOKEN = PlaybackToken(
    "tracks/t" + "a" * 20 + "/", ("standard", "premium"), NOW + timedelta(hours=1)
)
TEXT = TOKENS.issue(TOKEN)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
tokens = st.builds(
    PlaybackToken,
    st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True), min_size=1, max_size=4).map(
        lambda parts: "".join(f"{part}/" for part in parts)
    ),
    st.lists(names, max_size=4).map(tuple),
    st.integers(int(NOW.timestamp()) + 1, 253402300799).map(
        lambda seconds: datetime.fromtimestamp(seconds, UTC)
    ),
)


def _signed(*fields: str, label: str = "headwater playback token", version: str = "1") -> str:
    digest = hmac.digest(KEY, join(label, version, *fields), "sha256")
    mac = urlsafe_b64encode(digest).rstrip(b"=").decode()
    return ".".join((version, *fields, mac))


def test_the_form_is_the_documented_one() -> None:
    parts = TEXT.split(".")
    assert parts[0] == "1"
    assert parts[1] == "a1"
    assert int(parts[2], 36) == int(TOKEN.expires_at.timestamp())
    assert parts[3:5] == ["standard-premium", "tracks~t" + "a" * 20 + "~"]
    assert _signed(*parts[1:5]) == TEXT


@given(tokens)
def test_what_is_issued_verifies(token: PlaybackToken) -> None:
    assert TOKENS.verify(TOKENS.issue(token), NOW) == token


@given(tokens)
def test_a_token_is_one_plain_path_segment(token: PlaybackToken) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", TOKENS.issue(token), re.ASCII)


def test_every_flipped_bit_is_refused() -> None:
    data = TEXT.encode()
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidToken):
            TOKENS.verify(flipped.decode("latin-1"), NOW)


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(text, NOW)


def test_every_truncation_and_every_extension_is_refused() -> None:
    for end in range(len(TEXT)):
        with pytest.raises(InvalidToken):
            TOKENS.verify(TEXT[:end], NOW)
    for extra in ("A", "=", ".", "\n", "/", " "):
        for text in (TEXT + extra, extra + TEXT):
            with pytest.raises(InvalidToken):
                TOKENS.verify(text, NOW)


EXPIRY = TEXT.split(".")[2]


@pytest.mark.parametrize(
    "fields",
    [
        ("a1", "0" + EXPIRY, "standard", "tracks~"),  # leading zero
        ("a1", EXPIRY.upper(), "standard", "tracks~"),
        ("a1", "+" + EXPIRY, "standard", "tracks~"),
        ("a1", EXPIRY, "", "covers~"),  # no tiers is "-"
        ("a1", EXPIRY, "standard-", "tracks~"),
        ("a1", EXPIRY, "standard--premium", "tracks~"),
        ("a1", EXPIRY, "standard", "tracks"),  # no trailing slash
        ("a1", EXPIRY, "standard", "~tracks~"),
        ("a1", EXPIRY, "standard", "tracks/"),
        ("a1", EXPIRY, "standard", "tracks~~"),
        ("a1", EXPIRY, "standard", "%2e%2e~"),
        ("a1", EXPIRY, "standard"),
        ("a1", EXPIRY, "standard", "tracks~", "more"),
        ("a1", EXPIRY, "standard", "tracks~" * 80),  # too long
    ],
)
def test_only_one_spelling_is_accepted_even_when_signed(fields: tuple[str, ...]) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(_signed(*fields), NOW)


def test_the_label_and_the_version_are_signed() -> None:
    fields = TEXT.split(".")[1:5]
    assert TOKENS.verify(_signed(*fields), NOW) == TOKEN
    for text in (_signed(*fields, label="headwater access token"), _signed(*fields, version="2")):
        with pytest.raises(InvalidToken):
            TOKENS.verify(text, NOW)


def test_it_expires_at_its_second() -> None:
    assert TOKENS.verify(TEXT, TOKEN.expires_at - timedelta(microseconds=1)) == TOKEN
    for late in (timedelta(0), timedelta(seconds=1), timedelta(days=999)):
        with pytest.raises(ExpiredToken):
            TOKENS.verify(TEXT, TOKEN.expires_at + late)


def test_two_keys_are_valid_while_one_replaces_the_other() -> None:
    new = PlaybackTokens(SigningKeys("b2", {"a1": KEY, "b2": KEY[::-1]}))
    after = PlaybackTokens(SigningKeys("b2", {"b2": KEY[::-1]}))
    assert new.verify(TEXT, NOW) == TOKEN
    assert after.verify(new.issue(TOKEN), NOW) == TOKEN
    with pytest.raises(InvalidToken, match="unknown key"):
        after.verify(TEXT, NOW)


def test_another_key_under_the_same_id_is_refused() -> None:
    with pytest.raises(InvalidToken, match="signature"):
        PlaybackTokens(SigningKeys("a1", {"a1": KEY[::-1]})).verify(TEXT, NOW)


@pytest.mark.parametrize(
    ("scope", "tiers", "expires_at"),
    [
        ("tracks", (), NOW),
        ("", (), NOW),
        ("/tracks/", (), NOW),
        ("tracks//", (), NOW),
        ("../", (), NOW),
        ("tracks~/", (), NOW),
        ("tracks/", ("Standard",), NOW),
        ("tracks/", ("a-b",), NOW),
        ("tracks/", ("",), NOW),
        ("tracks/", (), NOW.replace(microsecond=1)),
        ("tracks/", (), datetime(1970, 1, 1, tzinfo=UTC)),
        ("tracks/" * 80, (), NOW),
    ],
)
def test_what_cannot_be_expressed_is_not_issued(
    scope: str, tiers: tuple[str, ...], expires_at: datetime
) -> None:
    with pytest.raises(ValueError, match=r"playback token|whole second"):
        TOKENS.issue(PlaybackToken(scope, tiers, expires_at))


def test_errors_do_not_repeat_the_token() -> None:
    with pytest.raises(InvalidToken) as caught:
        TOKENS.verify(TEXT[:-1] + "-", NOW)
    assert TEXT[:20] not in str(caught.value)


def test_a_verified_token_can_be_cached() -> None:
    token = TOKENS.verify(TEXT, NOW)
    assert {token: 1}[TOKEN] == 1
    with pytest.raises(FrozenInstanceError):
        token.scope = "covers/"  # type: ignore[misc] # the point of the test


@pytest.mark.parametrize(
    ("current", "keys"),
    [("b", {"a": KEY}), ("A", {"A": KEY}), ("a.b", {"a.b": KEY}), ("a", {"a": b"short"})],
)
def test_unfit_signing_keys_are_refused(current: str, keys: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        SigningKeys(current, keys)


def test_repr_of_signing_keys_shows_no_key() -> None:
    assert repr(SigningKeys("a1", {"a1": KEY})) == "SigningKeys(current='a1')"
