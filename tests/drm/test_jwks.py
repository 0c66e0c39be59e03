"""Which keys of a set are taken, and what each is good for."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from drm.jwks import ALGORITHMS, InvalidKeySet, parse
from tests.support.identity_provider import (
    Signer,
    b64,
    ec_signer,
    key_set,
    okp_signer,
    rsa_signer,
)


def test_a_key_of_each_type_is_pinned_to_its_algorithm() -> None:
    signers = rsa_signer(), ec_signer(), okp_signer()
    found = parse(key_set(*(one.jwk(alg=None, use=None) for one in signers)), ALGORITHMS)
    assert set(found) == {("rsa-1", "RS256"), ("ec-1", "ES256"), ("ed-1", "EdDSA")}
    assert all(key.algorithm == algorithm for (_, algorithm), key in found.items())


def test_one_name_for_two_types_is_two_keys() -> None:
    body = key_set(rsa_signer().jwk(kid="1"), ec_signer().jwk(kid="1"))
    assert set(parse(body, ALGORITHMS)) == {("1", "RS256"), ("1", "ES256")}


def test_algorithms_that_are_not_in_the_settings_are_left_out() -> None:
    body = key_set(rsa_signer().jwk(), ec_signer().jwk())
    assert set(parse(body, ("ES256",))) == {("ec-1", "ES256")}


def symmetric() -> dict[str, object]:
    return {"kty": "oct", "kid": "s", "k": b64(b"k" * 32), "alg": "HS256"}


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(rsa_signer().jwk(use="enc"), id="for encryption"),
        pytest.param(rsa_signer().jwk(key_ops=["encrypt"]), id="key_ops"),
        pytest.param(rsa_signer().jwk(key_ops="verify"), id="key_ops is no list"),
        pytest.param(rsa_signer().jwk(alg="RS512"), id="another algorithm"),
        pytest.param(rsa_signer().jwk(alg="none"), id="none"),
        pytest.param(rsa_signer().jwk(alg="HS256"), id="an RSA key for HS256"),
        pytest.param(rsa_signer().jwk(alg="ES256"), id="an RSA key for ES256"),
        pytest.param(ec_signer().jwk(alg="RS256"), id="a curve for RS256"),
        pytest.param(rsa_signer().jwk(alg=["RS256"]), id="algorithms"),
        pytest.param(rsa_signer().jwk(kid=None), id="no kid"),
        pytest.param(rsa_signer().jwk(kid=1), id="kid is a number"),
        pytest.param(rsa_signer().jwk(kid="a b"), id="kid with a space"),
        pytest.param(rsa_signer().jwk(kid="\u212b"), id="kid is not ASCII"),
        pytest.param(rsa_signer().jwk(kid="x" * 129), id="long kid"),
        pytest.param(rsa_signer("short", 1024).jwk(), id="RSA 1024"),
        pytest.param(rsa_signer("three", 2048, 3).jwk(), id="exponent 3"),
        pytest.param(rsa_signer().jwk(n=None), id="no modulus"),
        pytest.param(rsa_signer().jwk(n="!"), id="no base64"),
        pytest.param(rsa_signer().jwk(d="AQ"), id="a private key"),
        pytest.param(
            Signer("p384", "ES384", ec.generate_private_key(ec.SECP384R1())).jwk(), id="P-384"
        ),
        pytest.param(ec_signer().jwk(crv="P-384"), id="the wrong curve"),
        pytest.param(ec_signer().jwk(y=b64(bytes(32))), id="not on the curve"),
        pytest.param(okp_signer().jwk(crv="X25519"), id="X25519"),
        pytest.param(okp_signer().jwk(x=b64(bytes(31))), id="31 bytes"),
        pytest.param(symmetric(), id="a shared secret"),
        pytest.param({}, id="nothing"),
        pytest.param("key", id="text"),
    ],
)
def test_what_may_not_be_used_is_left_out(member: object) -> None:
    with pytest.raises(InvalidKeySet, match="no key that may be used"):
        parse(key_set(member), ALGORITHMS)
    assert set(parse(key_set(member, ec_signer("good").jwk()), ALGORITHMS)) == {("good", "ES256")}


def test_two_keys_of_one_name_are_both_left_out() -> None:
    other = Signer("ec-1", "ES256", ec.generate_private_key(ec.SECP256R1()))
    body = key_set(ec_signer().jwk(), other.jwk(), okp_signer().jwk())
    assert set(parse(body, ALGORITHMS)) == {("ed-1", "EdDSA")}


def test_a_huge_key_is_left_out() -> None:
    numbers = rsa.RSAPublicNumbers(65537, (1 << 16383) + 1)
    size = numbers.n.bit_length() // 8
    member = rsa_signer().jwk(n=b64(numbers.n.to_bytes(size, "big")))
    with pytest.raises(InvalidKeySet):
        parse(key_set(member), ALGORITHMS)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b"\xff",
        b"[" * 100_000,
        b'{"keys":[],"keys":[]}',
        b" " * (256 << 10) + b"{}",
        json.dumps({"keys": [{}] * 101}).encode(),
    ],
)
def test_what_is_no_key_set(body: bytes) -> None:
    with pytest.raises(InvalidKeySet):
        parse(body, ALGORITHMS)
