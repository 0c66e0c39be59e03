from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from drm.access_token import MAX_TTL_S, AccessTokens
from drm.errors import ExpiredToken, InvalidToken
from drm.model import AccessToken
from drm.token_keys import SigningKeys

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = bytes(range(32))
TOKENS = AccessTokens(SigningKeys("a1", {"a1": KEY}), issuer="headwater", audience="player")
TEXT = TOKENS.mint("alice", "premium", 600, now=NOW)
HEADER = {"alg": "HS256", "typ": "at+jwt", "kid": "a1"}
CLAIMS: dict[str, object] = {
    "iss": "headwater",
    "aud": "player",
    "sub": "alice",
    "subscription": "premium",
    "iat": SECONDS,
    "nbf": SECONDS,
    "exp": SECONDS + 600,
}


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _token(header: object, claims: object, key: bytes = KEY) -> str:
    """A JWT signed with our key, whatever stands in it."""
    parts = (
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)
    )
    text = ".".join(map(_b64, parts))
    return f"{text}.{_b64(hmac.digest(key, text.encode(), 'sha256'))}"


def test_a_minted_token_verifies() -> None:
    expected = AccessToken("alice", "premium", NOW + timedelta(seconds=600))
    assert expected == TOKENS.verify(TEXT, NOW)


def test_the_tests_own_tokens_are_good_before_they_are_spoiled() -> None:
    assert TOKENS.verify(_token(HEADER, CLAIMS), NOW).subject == "alice"


def test_the_form_is_that_of_rfc_9068() -> None:
    assert jwt.get_unverified_header(TEXT) == HEADER
    claims = jwt.decode(TEXT, options={"verify_signature": False})
    assert {"iss", "aud", "sub", "exp", "iat", "jti"} <= set(claims)


@given(st.text(min_size=1, max_size=40), st.integers(1, MAX_TTL_S))
def test_what_is_minted_verifies(subject: str, ttl_s: int) -> None:
    token = TOKENS.verify(TOKENS.mint(subject, "free", ttl_s, now=NOW), NOW)
    assert token == AccessToken(subject, "free", NOW + timedelta(seconds=ttl_s))


@pytest.mark.parametrize(
    ("subject", "subscription", "ttl_s"),
    [("", "free", 60), ("a", "", 60), ("a", "free", 0), ("a", "free", MAX_TTL_S + 1)],
)
def test_what_could_not_verify_is_not_minted(subject: str, subscription: str, ttl_s: int) -> None:
    with pytest.raises(ValueError, match="access token"):
        TOKENS.mint(subject, subscription, ttl_s)


def test_scopes_travel_with_it() -> None:
    text = TOKENS.mint("packager", "-", 60, scopes=["speke:keys", "a.b"], now=NOW)
    assert TOKENS.verify(text, NOW).scopes == {"speke:keys", "a.b"}
    assert TOKENS.verify(TEXT, NOW).scopes == frozenset()
    with pytest.raises(ValueError, match="scopes"):
        TOKENS.mint("packager", "-", 60, scopes=["two words"])
    with pytest.raises(InvalidToken, match="scope"):
        TOKENS.verify(_token(HEADER, {**CLAIMS, "scope": ["speke:keys"]}), NOW)


def test_now_is_the_default_instant() -> None:
    assert TOKENS.verify(TOKENS.mint("a", "free", 60), datetime.now(UTC)).subject == "a"


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


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize(
    "signature", ["", "AA", TEXT.rpartition(".")[2]], ids=["no", "short", "own"]
)
def test_no_algorithm_is_refused(alg: str, signature: str) -> None:
    text = ".".join(_b64(json.dumps(part).encode()) for part in (HEADER | {"alg": alg}, CLAIMS))
    with pytest.raises(InvalidToken):
        TOKENS.verify(f"{text}.{signature}", NOW)


@pytest.mark.parametrize("alg", ["HS384", "HS512", "RS256", "ES256", "hs256"])
def test_another_algorithm_is_refused(alg: str) -> None:
    with pytest.raises(InvalidToken, match="HS256"):
        TOKENS.verify(_token(HEADER | {"alg": alg}, CLAIMS), NOW)


def test_a_real_token_of_another_algorithm_is_refused() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    headers = {"typ": "at+jwt", "kid": "a1"}
    with pytest.raises(InvalidToken):
        TOKENS.verify(jwt.encode(CLAIMS, private, "ES256", headers), NOW)


def test_another_key_is_refused() -> None:
    with pytest.raises(InvalidToken, match="signature"):
        TOKENS.verify(_token(HEADER, CLAIMS, key=KEY[::-1]), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"kid": "zz"},
        {"kid": "../../etc/passwd"},
        {"kid": "\u0430\u0031"},  # looks like a1
        {"kid": None},
        {"kid": ["a1"]},
        {"kid": {"a1": 1}},
        {"typ": "JWT"},
        {"typ": "AT+JWT"},
        {"typ": None},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"jku": "https://attacker.example/keys"},
        {"jwk": {"kty": "oct", "k": _b64(KEY)}},
        {"x5u": "https://attacker.example/cert"},
        {"cty": "JWT"},
    ],
)
def test_every_other_header_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(_token(HEADER | change, CLAIMS), NOW)


@pytest.mark.parametrize("missing", list(HEADER))
def test_every_header_member_is_needed(missing: str) -> None:
    header = {name: value for name, value in HEADER.items() if name != missing}
    with pytest.raises(InvalidToken):
        TOKENS.verify(_token(header, CLAIMS), NOW)


@pytest.mark.parametrize("missing", list(CLAIMS))
def test_every_claim_is_needed(missing: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != missing}
    with pytest.raises(InvalidToken):
        TOKENS.verify(_token(HEADER, claims), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "other"},
        {"iss": ["headwater"]},
        {"aud": "origin"},
        {"aud": ["player"]},
        {"aud": ["player", "other"]},
        {"aud": ""},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["alice"]},
        {"subscription": ""},
        {"subscription": None},
        {"exp": str(SECONDS + 600)},
        {"exp": SECONDS + 600.5},
        {"exp": True},
        {"exp": None},
        {"exp": -1},
        {"exp": 10**30},
        {"iat": "now"},
        {"nbf": float(SECONDS)},
        {"iat": SECONDS + 61, "nbf": SECONDS},
        {"nbf": SECONDS + 61},
        {"exp": SECONDS + MAX_TTL_S + 1},  # longer than we ever give
    ],
)
def test_every_wrong_claim_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(_token(HEADER, CLAIMS | change), NOW)


@pytest.mark.parametrize("number", [b"1e400", b"NaN", b"Infinity", b"1" * 5000])
def test_a_monstrous_number_is_refused(number: bytes) -> None:
    claims = (
        json.dumps(CLAIMS).encode().replace(b'"exp": %d' % (SECONDS + 600), b'"exp": ' + number)
    )
    assert number in claims
    with pytest.raises(InvalidToken):
        TOKENS.verify(_token(HEADER, claims), NOW)


@pytest.mark.parametrize(
    ("header", "claims"),
    [(b"[]", b"{}"), (b"{", b"{}"), (b"\xff", b"{}"), (b"[" * 3000, b"{}"), (HEADER, b"[]")],
)
def test_what_is_no_json_object_is_refused(header: object, claims: object) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(_token(header, claims), NOW)


@pytest.mark.parametrize("skew_s", [-1, 0, 1, 60])
def test_clocks_may_differ_by_a_minute(skew_s: int) -> None:
    start = SECONDS + skew_s
    claims = CLAIMS | {"iat": start, "nbf": start}
    assert TOKENS.verify(_token(HEADER, claims), NOW).subject == "alice"


def test_it_expires_at_its_second() -> None:
    assert TOKENS.verify(TEXT, NOW + timedelta(seconds=599)).subject == "alice"
    for late in (600, 601, 10**8):
        with pytest.raises(ExpiredToken):
            TOKENS.verify(TEXT, NOW + timedelta(seconds=late))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        TEXT + ".",
        TEXT + "=",
        TEXT + "\n",
        " " + TEXT,
        "Bearer " + TEXT,
        TEXT + "." + TEXT,
        TEXT.rpartition(".")[0],
        TEXT.rpartition(".")[0] + ".",
        TEXT.replace(".", "..", 1),
        TEXT + "A",
        TEXT + "AA",
        "A" * 8193,
        "\u00e9." + TEXT,
    ],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(text, NOW)


def test_stray_bits_at_the_end_of_a_part_are_refused() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(TEXT[-1])
    assert last % 4 == 0, "32 bytes leave two bits unused"
    for stray in (1, 2, 3):
        with pytest.raises(InvalidToken, match="compact form"):
            TOKENS.verify(TEXT[:-1] + alphabet[last + stray], NOW)


def test_an_oversized_token_is_refused_although_it_is_signed() -> None:
    with pytest.raises(InvalidToken, match="too long"):
        TOKENS.verify(_token(HEADER, CLAIMS | {"pad": "x" * 8192}), NOW)


def test_the_keys_of_another_use_do_not_pass() -> None:
    other = AccessTokens(SigningKeys("b2", {"b2": KEY}), issuer="headwater", audience="player")
    with pytest.raises(InvalidToken, match="unknown key"):
        other.verify(TEXT, NOW)


def test_two_keys_are_valid_while_one_replaces_the_other() -> None:
    both = SigningKeys("b2", {"a1": KEY, "b2": KEY[::-1]})
    tokens = AccessTokens(both, issuer="headwater", audience="player")
    assert tokens.verify(TEXT, NOW).subject == "alice"
    assert tokens.verify(tokens.mint("bob", "free", 60, now=NOW), NOW).subject == "bob"


def test_errors_do_not_repeat_the_token() -> None:
    with pytest.raises(InvalidToken) as caught:
        TOKENS.verify(TEXT[:-2] + "AA", NOW)
    assert TEXT[:20] not in f"{caught.value!r} {caught.value.__cause__!r}"
