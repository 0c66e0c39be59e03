from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import cbor2
import pytest

from drm import cose
from drm.common_access_token import CommonAccessTokens, EitherPlaybackTokens
from drm.errors import ExpiredToken, InvalidToken
from drm.model import PlaybackToken, Stream
from drm.playback_token import PlaybackTokens
from drm.token_keys import SigningKeys

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = bytes(range(32))
OWN = SigningKeys("p1", {"p1": bytes(range(1, 33))})
CATS = CommonAccessTokens(SigningKeys("a1", {"a1": KEY}), issuer="headwater", audience="player")
TOKENS = EitherPlaybackTokens(OWN, CATS, issue_cats=True)
SCOPE = "tracks/t" + "a" * 20 + "/"
TOKEN = PlaybackToken(
    SCOPE,
    ("standard", "premium"),
    NOW + timedelta(hours=1),
    Stream("Account-16_chars", "Session-12_c"),
    "Policy_8",
    "DE",
)
CLAIMS: dict[int, object] = {
    1: "headwater",
    4: SECONDS + 3600,
    310: 1,
    312: {3: {3: f"/{SCOPE}"}},
    -65537: {0: ["standard"]},
}


def text_of(claims: dict[int, object]) -> str:
    return urlsafe_b64encode(cose.seal(claims, "a1", KEY)).rstrip(b"=").decode()


def test_what_is_issued_is_accepted_and_fits_a_path() -> None:
    text = TOKENS.issue(TOKEN)
    assert "." not in text
    assert len(text) < 320
    assert TOKENS.verify(text, NOW) == TOKEN
    plain = PlaybackToken("releases/rabc/", (), TOKEN.expires_at)
    assert TOKENS.verify(TOKENS.issue(plain), NOW) == plain


def test_the_claims_are_the_standards() -> None:
    data = urlsafe_b64decode(TOKENS.issue(TOKEN) + "==")
    payload = cbor2.loads(cbor2.loads(data).value.value[2])
    assert payload == {
        1: "headwater",
        4: SECONDS + 3600,
        310: 1,
        312: {3: {3: f"/{SCOPE}"}},
        -65537: {
            0: ["standard", "premium"],
            1: "Account-16_charsSession-12_c",
            2: "Policy_8",
            3: "DE",
        },
    }


def test_both_forms_are_accepted_whichever_is_issued() -> None:
    compact = EitherPlaybackTokens(OWN, CATS, issue_cats=False)
    for text in (compact.issue(TOKEN), TOKENS.issue(TOKEN)):
        assert compact.verify(text, NOW) == TOKENS.verify(text, NOW) == TOKEN
    assert PlaybackTokens(OWN).verify(compact.issue(TOKEN), NOW) == TOKEN
    with pytest.raises(InvalidToken):
        PlaybackTokens(OWN).verify(TOKENS.issue(TOKEN), NOW)


def test_somebody_elses_token_with_as_much_as_is_needed() -> None:
    found = TOKENS.verify(text_of(CLAIMS), NOW)
    assert found == PlaybackToken(SCOPE, ("standard",), NOW + timedelta(hours=1))
    more = {2: "alice", 3: ["player", "x"], 5: SECONDS, 6: SECONDS, 7: b"id"}
    assert TOKENS.verify(text_of({**CLAIMS, **more}), NOW) == found


@pytest.mark.parametrize(
    "changes",
    [
        {1: "other"},
        {1: None},
        {3: "other"},
        {3: []},
        {4: None},
        {4: "soon"},
        {4: 0},
        {4: 1 << 60},
        {5: SECONDS + 61},
        {5: "now"},
        {6: SECONDS + 61},
        {310: 2},
        {310: None},
        {312: None},
        {312: {}},
        {312: {3: {1: f"/{SCOPE}"}}},  # a prefix: the token itself stands before it
        {312: {3: {3: SCOPE}}},
        {312: {3: {3: "/"}}},
        {312: {3: {3: "/tracks/../"}}},
        {312: {3: {3: f"/{SCOPE}", 2: "x"}}},
        {312: {3: {3: f"/{SCOPE}"}, 1: {0: "example.com"}}},
        {312: [f"/{SCOPE}"]},
        {-65537: None},
        {-65537: {}},
        {-65537: {0: "standard"}},
        {-65537: {0: ["Standard"]}},
        {-65537: {0: [1]}},
        {-65537: {0: [], 1: "short"}},
        {-65537: {0: [], 2: "short"}},
        {-65537: {0: [], 3: "Germany"}},
        {-65537: {0: [], 3: 49}},
        {-65537: {0: [], 9: 1}},
        {308: 0},
        {309: [1]},
        {311: [64496]},
        {313: ["GET"]},
        {316: ["DE"]},
        {321: {0: 1}},
        {323: {0: 0}},
        {99999: 1},
    ],
    ids=str,
)
def test_what_is_refused(changes: dict[int, object]) -> None:
    claims = {name: one for name, one in {**CLAIMS, **changes}.items() if one is not None}
    with pytest.raises(InvalidToken):
        TOKENS.verify(text_of(claims), NOW)


def test_its_time_is_over() -> None:
    text = text_of(CLAIMS)
    TOKENS.verify(text, NOW + timedelta(seconds=3599))
    with pytest.raises(ExpiredToken):
        TOKENS.verify(text, NOW + timedelta(seconds=3600))


def test_only_one_spelling() -> None:
    text = text_of(CLAIMS)
    for spelling in (text + "=", text + "A", text[:-1], f" {text}", text.replace("2D", "2E"), ""):
        with pytest.raises(InvalidToken):
            TOKENS.verify(spelling, NOW)
    if len(text) % 4:  # stray bits in the last character
        last = text[-1]
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
            if other != last:
                with pytest.raises(InvalidToken):
                    TOKENS.verify(text[:-1] + other, NOW)
    with pytest.raises(InvalidToken):
        TOKENS.verify("A" * 513, NOW)


def test_what_would_be_too_long_is_not_issued() -> None:
    long = PlaybackToken("a" * 150 + "/", tuple("t" + "x" * 30 for _ in range(6)), TOKEN.expires_at)
    with pytest.raises(ValueError, match="512"):
        TOKENS.issue(long)


def test_keys_are_exchanged_without_a_break() -> None:
    text = TOKENS.issue(TOKEN)
    both = SigningKeys("b2", {"a1": KEY, "b2": KEY[::-1]})
    after = SigningKeys("b2", {"b2": KEY[::-1]})
    for keys, is_good in ((both, True), (after, False)):
        cats = CommonAccessTokens(keys, issuer="headwater", audience="player")
        tokens = EitherPlaybackTokens(OWN, cats, issue_cats=True)
        if is_good:
            assert tokens.verify(text, NOW) == TOKEN
        else:
            with pytest.raises(InvalidToken):
                tokens.verify(text, NOW)
