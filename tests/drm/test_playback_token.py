from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drm.errors import ExpiredToken, InvalidToken
from drm.model import PlaybackToken, Stream
from drm.playback_token import PlaybackTokens
from drm.token_keys import SigningKeys

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
KEY = bytes(range(32))
TOKENS = PlaybackTokens(SigningKeys("a1", {"a1": KEY}))
STREAM = Stream("Account-16_chars", "Session-12_c")
TOKEN = PlaybackToken(
    "tracks/t" + "a" * 20 + "/",
    ("standard", "premium"),
    NOW + timedelta(hours=1),
    STREAM,
    "Policy_8",
    "DE",
)
TEXT = TOKENS.issue(TOKEN)


def base64url(length: int) -> st.SearchStrategy[str]:
    return st.from_regex(rf"[A-Za-z0-9_-]{{{length}}}", fullmatch=True)


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
    st.none() | st.builds(Stream, base64url(16), base64url(12)),
    st.none() | base64url(8),
    st.none() | st.from_regex(r"[A-Z]{2}", fullmatch=True),
)


def _signed(*fields: str, label: str = "headwater playback token", version: str = "2") -> str:
    signed = ".".join((version, *fields))
    digest = hmac.digest(KEY, f"{label}\n{signed}".encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def test_the_form_is_the_documented_one() -> None:
    parts = TEXT.split(".")
    assert parts[0] == "2"
    assert parts[1] == "a1"
    assert int(parts[2], 36) == int(TOKEN.expires_at.timestamp())
    assert parts[3] == "standard-premium"
    assert parts[4:7] == ["Account-16_charsSession-12_c", "Policy_8", "DE"]
    assert parts[7] == "tracks~t" + "a" * 20 + "~"
    assert _signed(*parts[1:8]) == TEXT


def test_what_a_token_does_not_say_is_a_dash() -> None:
    text = TOKENS.issue(PlaybackToken("covers/", (), TOKEN.expires_at))
    assert text.split(".")[3:8] == ["-", "-", "-", "-", "covers~"]


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


REST = ("-", "-", "-", "tracks~")


@pytest.mark.parametrize(
    "fields",
    [
        ("a1", "0" + EXPIRY, "standard", *REST),  # leading zero
        ("a1", EXPIRY.upper(), "standard", *REST),
        ("a1", "+" + EXPIRY, "standard", *REST),
        ("a1", EXPIRY, "", *REST),  # no tiers is "-"
        ("a1", EXPIRY, "standard-", *REST),
        ("a1", EXPIRY, "standard--premium", *REST),
        ("a1", EXPIRY, "standard", "-", "-", "-", "tracks"),  # no trailing slash
        ("a1", EXPIRY, "standard", "-", "-", "-", "~tracks~"),
        ("a1", EXPIRY, "standard", "-", "-", "-", "tracks/"),
        ("a1", EXPIRY, "standard", "-", "-", "-", "tracks~~"),
        ("a1", EXPIRY, "standard", "-", "-", "-", "%2e%2e~"),
        ("a1", EXPIRY, "standard", "-", "-", "-", "tracks~" * 80),  # too long
        ("a1", EXPIRY, "standard", "", "-", "-", "tracks~"),  # no stream is "-"
        ("a1", EXPIRY, "standard", "A" * 27, "-", "-", "tracks~"),
        ("a1", EXPIRY, "standard", "A" * 27 + "=", "-", "-", "tracks~"),
        ("a1", EXPIRY, "standard", "-", "A" * 9, "-", "tracks~"),
        ("a1", EXPIRY, "standard", "-", "-", "de", "tracks~"),
        ("a1", EXPIRY, "standard", "-", "-", "DEU", "tracks~"),
        ("a1", EXPIRY, "standard"),
        ("a1", EXPIRY, "standard", "-", "-", "-"),
        ("a1", EXPIRY, "standard", *REST, "more"),
    ],
)
def test_only_one_spelling_is_accepted_even_when_signed(fields: tuple[str, ...]) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(_signed(*fields), NOW)


def test_the_label_and_the_version_are_signed() -> None:
    fields = TEXT.split(".")[1:8]
    assert TOKENS.verify(_signed(*fields), NOW) == TOKEN
    for text in (_signed(*fields, label="headwater access token"), _signed(*fields, version="1")):
        with pytest.raises(InvalidToken):
            TOKENS.verify(text, NOW)


def test_tokens_of_the_form_before_are_refused() -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(_signed("a1", EXPIRY, "standard", "tracks~", version="1"), NOW)


@pytest.mark.parametrize(
    ("stream", "policy", "territory"),
    [
        (Stream("short", "Session-12_c"), None, None),
        (Stream("Account-16_chars", ""), None, None),
        (Stream("Account-16_charsS", "ession-12_c"), None, None),
        (Stream("Account.16.chars", "Session-12_c"), None, None),
        (None, "", None),
        (None, "Policy.8", None),
        (None, None, "de"),
        (None, None, ""),
        (None, None, "D.E"),
    ],
)
def test_claims_of_another_form_are_not_issued(
    stream: Stream | None, policy: str | None, territory: str | None
) -> None:
    with pytest.raises(ValueError, match="playback token"):
        TOKENS.issue(PlaybackToken("covers/", (), NOW, stream, policy, territory))


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
