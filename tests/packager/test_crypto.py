"""Sample encryption against NIST SP 800-38A and a second implementation of its own layout."""

from __future__ import annotations

from array import array

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR
from hypothesis import given
from hypothesis import strategies as st

from packager.crypto import (
    cenc_ivs,
    counter_mode,
    decrypt_blocks,
    encrypt_cbcs,
    encrypt_cenc,
)
from packager.model import Kid, Scheme, TrackProtection
from packager.protection import check

# NIST SP 800-38A, F.2.1 (CBC-AES128.Encrypt) and F.5.1 (CTR-AES128.Encrypt), first two blocks
KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
CBC_IV = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
CBC_OUT = bytes.fromhex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2")

CTR_IV = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
CTR_OUT = bytes.fromhex("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff")

payloads = st.lists(st.binary(max_size=70), max_size=12)


def test_what_the_inspector_decrypts_with_is_the_nist_vectors_too() -> None:
    assert decrypt_blocks(CBC_OUT, KEY, CBC_IV) == PLAIN
    counter = counter_mode(KEY, CTR_IV)
    assert counter(CTR_OUT[:5]) + counter(CTR_OUT[5:]) == PLAIN
    with pytest.raises(ValueError, match="multiple of the block length"):
        decrypt_blocks(CBC_OUT[:-1], KEY, CBC_IV)


def test_cbcs_is_the_nist_vector_with_a_clear_tail() -> None:
    assert encrypt_cbcs(PLAIN + b"tail", [36], KEY, CBC_IV) == CBC_OUT + b"tail"


def test_cbcs_starts_anew_in_every_sample() -> None:
    out = encrypt_cbcs(PLAIN + PLAIN + b"short", [32, 32, 5], KEY, CBC_IV)

    assert out == CBC_OUT + CBC_OUT + b"short"


@given(payloads)
def test_cbcs_decrypts_sample_by_sample(samples: list[bytes]) -> None:
    out = encrypt_cbcs(b"".join(samples), array("I", map(len, samples)), KEY, CBC_IV)
    at = 0
    for sample in samples:
        part = out[at : at + len(sample)]
        whole = len(part) // 16 * 16
        decryptor = Cipher(AES(KEY), CBC(CBC_IV)).decryptor()
        assert decryptor.update(part[:whole]) + part[whole:] == sample
        at += len(sample)
    assert at == len(out)


@given(payloads, st.integers(0, 2**64 - 1))
def test_cenc_decrypts_with_the_ivs_of_senc(samples: list[bytes], first: int) -> None:
    out = encrypt_cenc(b"".join(samples), [len(one) for one in samples], KEY, first)
    ivs = cenc_ivs(first, len(samples))
    at = 0
    for number, sample in enumerate(samples):
        iv = ivs[8 * number : 8 * number + 8]
        decryptor = Cipher(AES(KEY), CTR(iv + bytes(8))).decryptor()
        assert decryptor.update(out[at : at + len(sample)]) == sample
        at += len(sample)
    assert len({ivs[at : at + 8] for at in range(0, len(ivs), 8)}) == len(samples)


@pytest.mark.parametrize(
    ("scheme", "key", "iv", "problem"),
    [
        (Scheme.CBCS, bytes(16), bytes(8), "cbcs takes a 16-byte key and a 16-byte IV"),
        (Scheme.CENC, bytes(16), bytes(16), "cenc takes a 16-byte key and a 8-byte IV"),
        (Scheme.CBCS, bytes(15), bytes(16), "16-byte key"),
        (Scheme.CLEAR, bytes(16), bytes(16), "cannot be protected by clear"),
    ],
)
def test_a_key_or_iv_of_the_wrong_length_is_refused(
    scheme: Scheme, key: bytes, iv: bytes, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        check(TrackProtection(scheme, Kid(bytes(16)), key, iv))


def test_a_protection_does_not_print_its_key() -> None:
    assert "2b7e" not in repr(TrackProtection(Scheme.CBCS, Kid(bytes(16)), KEY, CBC_IV)).lower()
    assert repr(KEY) not in repr(TrackProtection(Scheme.CBCS, Kid(bytes(16)), KEY, CBC_IV))
