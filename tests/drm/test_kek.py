from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from drm.canonical import join
from drm.errors import WrongKek
from drm.kek import Kek, KekVersions, LocalKek, Wrapped

ONE = bytes(range(32))
TWO = bytes(range(32, 64))


def test_the_cipher_is_the_one_of_the_published_vectors() -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, test case 14 (AES-256)."""
    expected = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert expected == AESGCM(bytes(32)).encrypt(bytes(12), bytes(16), None)


def test_a_wrap_made_by_hand_opens() -> None:
    kek = KekVersions("k", 1, {1: ONE})
    data = AESGCM(ONE).encrypt(b"n" * 12, b"secret", join(b"aad", "k", 1))
    assert kek.unwrap(Wrapped(Kek("k", 1), b"n" * 12, data), b"aad") == b"secret"


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_what_is_wrapped_opens_again(plain: bytes, aad: bytes) -> None:
    kek = KekVersions("k", 1, {1: ONE})
    assert kek.unwrap(kek.wrap(plain, aad), aad) == plain


def test_every_wrap_has_a_nonce_of_its_own() -> None:
    kek = KekVersions("k", 1, {1: ONE})
    assert len({kek.wrap(b"same", b"").nonce for _ in range(200)}) == 200


async def test_old_versions_open_and_the_current_one_wraps(tmp_path: Path) -> None:
    old = KekVersions("k", 1, {1: ONE}).wrap(b"secret", b"")
    path = tmp_path / "kek.json"
    versions = {"1": ONE.hex(), "2": TWO.hex()}
    path.write_text(json.dumps({"format": 1, "id": "k", "current": 2, "versions": versions}))
    path.chmod(0o600)
    kek = LocalKek.open(path, create=False)
    assert await kek.current() == Kek("k", 2)
    assert await kek.versions() == (1, 2)
    assert await kek.unwrap(old, b"") == b"secret"
    assert (await kek.wrap(b"secret", b"")).kek == Kek("k", 2)


def test_other_associated_data_does_not_open() -> None:
    kek = KekVersions("k", 1, {1: ONE})
    with pytest.raises(WrongKek, match="does not open"):
        kek.unwrap(kek.wrap(b"secret", b"a"), b"b")


def test_the_version_is_bound_even_if_two_versions_are_the_same_key() -> None:
    kek = KekVersions("k", 1, {1: ONE, 2: ONE})
    wrapped = kek.wrap(b"secret", b"")
    with pytest.raises(WrongKek, match="version 2"):
        kek.unwrap(replace(wrapped, kek=Kek("k", 2)), b"")


@pytest.mark.parametrize(
    ("named", "problem"),
    [(Kek("other", 1), "at hand is k"), (Kek("k", 9), "does not have that version")],
)
def test_another_kek_is_named(named: Kek, problem: str) -> None:
    kek = KekVersions("k", 1, {1: ONE})
    with pytest.raises(WrongKek, match=problem) as caught:
        kek.unwrap(replace(kek.wrap(b"secret", b""), kek=named), b"")
    assert (caught.value.kek_id, caught.value.kek_version) == (named.id, named.version)


@pytest.mark.parametrize("nonce", [b"", b"n", b"n" * 7, b"n" * 200])
def test_an_impossible_nonce_is_an_altered_row(nonce: bytes) -> None:
    kek = KekVersions("k", 1, {1: ONE})
    with pytest.raises(WrongKek):
        kek.unwrap(replace(kek.wrap(b"secret", b""), nonce=nonce), b"")


def test_repr_shows_no_key() -> None:
    text = repr(KekVersions("k", 1, {1: ONE}))
    assert text == "KekVersions('k', versions=[1])"
