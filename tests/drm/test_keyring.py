from __future__ import annotations

from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.records import WrappedKeyRecord
from drm.errors import WrongKek
from drm.kek import KekVersions
from drm.kek_env import EnvKek
from drm.keyring import Keyring
from drm.model import ContentKey, KeyScope
from packager.model import Scheme

KEYRING = Keyring(EnvKek("KEK", KekVersions("k", 1, {1: bytes(range(32))})))
SCOPE = KeyScope("default", "t" + "a" * 20, "0" * 16, "standard", Scheme.CBCS)
names = st.text(min_size=1, max_size=12)
scopes = st.builds(
    KeyScope, names, names, names, names, st.sampled_from([Scheme.CBCS, Scheme.CENC])
)


def _with(record: WrappedKeyRecord, name: str, value: object) -> WrappedKeyRecord:
    """The row with one field exchanged, whatever its type."""
    return WrappedKeyRecord(**{**asdict(record), name: value})


@pytest.mark.parametrize(("scheme", "iv_bytes"), [(Scheme.CBCS, 16), (Scheme.CENC, 8)])
def test_a_new_key_has_the_sizes_of_its_scheme(scheme: Scheme, iv_bytes: int) -> None:
    key = KEYRING.new_key(scheme)
    assert (len(key.key), len(key.kid.value), len(key.iv)) == (16, 16, iv_bytes)


def test_new_keys_are_all_different() -> None:
    made = [KEYRING.new_key(Scheme.CBCS) for _ in range(50)]
    assert len({key.key for key in made} | {key.kid.value for key in made}) == 100
    assert len({key.iv for key in made}) == 50


def test_the_kid_is_a_random_uuid() -> None:
    kid = str(KEYRING.new_key(Scheme.CBCS).kid)
    assert kid[14] == "4"


def test_clear_has_no_key() -> None:
    with pytest.raises(ValueError, match="clear has no key"):
        KEYRING.new_key(Scheme.CLEAR)


@given(scopes)
async def test_a_wrapped_key_opens_again(scope: KeyScope) -> None:
    key = KEYRING.new_key(scope.scheme)
    assert await KEYRING.unwrap(await KEYRING.wrap(key, scope)) == key


async def test_a_row_holds_no_key_in_the_clear() -> None:
    key = KEYRING.new_key(Scheme.CBCS)
    record = await KEYRING.wrap(key, SCOPE)
    for field in fields(record):
        value = getattr(record, field.name)
        assert key.key not in (value if isinstance(value, bytes) else str(value).encode())


async def test_every_flipped_bit_of_a_row_is_detected() -> None:
    record = await KEYRING.wrap(KEYRING.new_key(Scheme.CBCS), SCOPE)
    for name in ("kid", "nonce", "wrapped", "iv"):
        data: bytes = getattr(record, name)
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(WrongKek):
                await KEYRING.unwrap(_with(record, name, bytes(flipped)))


@pytest.mark.parametrize("name", [field.name for field in fields(WrappedKeyRecord)])
async def test_a_field_of_another_row_is_detected(name: str) -> None:
    here = await KEYRING.wrap(KEYRING.new_key(Scheme.CBCS), SCOPE)
    scope = KeyScope("other", "t" + "b" * 20, "1" * 16, "lossless", Scheme.CENC)
    another_kek = Keyring(EnvKek("KEK", KekVersions("other", 2, {2: bytes(32)})))
    there = await another_kek.wrap(another_kek.new_key(Scheme.CENC), scope)
    with pytest.raises(WrongKek):
        await KEYRING.unwrap(_with(here, name, getattr(there, name)))


async def test_keys_of_two_tiers_cannot_be_exchanged() -> None:
    low = await KEYRING.wrap(KEYRING.new_key(Scheme.CBCS), SCOPE)
    high = await KEYRING.wrap(KEYRING.new_key(Scheme.CBCS), replace(SCOPE, tier="lossless"))
    swapped = replace(
        low, nonce=high.nonce, wrapped=high.wrapped, iv=high.iv, kek_version=high.kek_version
    )
    with pytest.raises(WrongKek):
        await KEYRING.unwrap(swapped)


@pytest.mark.parametrize(("name", "value"), [("scheme", "rot13"), ("kid", b"short")])
async def test_an_impossible_row_is_an_altered_one(name: str, value: object) -> None:
    record = await KEYRING.wrap(KEYRING.new_key(Scheme.CBCS), SCOPE)
    with pytest.raises(WrongKek, match="altered"):
        await KEYRING.unwrap(_with(record, name, value))


def test_repr_of_a_content_key_shows_no_key() -> None:
    key = KEYRING.new_key(Scheme.CBCS)
    assert isinstance(key, ContentKey)
    for text in (repr(key), str(key), f"{key}", repr([key])):
        assert key.key.hex() not in text
        assert repr(key.key) not in text
        assert "key=" not in text
