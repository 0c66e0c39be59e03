"""Sample encryption of audio: every byte of a frame, no subsamples. ISO/IEC 23001-7:2023.

The only module of the packager that touches a cipher; what the inspector decrypts with is here too.
Randomness (keys, IVs) comes from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR

BLOCK = 16  # bytes
CENC_IV_SIZE = 8  # bytes; the lower half of the counter block counts from 0 in each sample


def encrypt_cbcs(payload: bytes, sizes: Sequence[int], key: bytes, iv: bytes) -> bytes:
    """Whole-block full-sample encryption. 23001-7, 9.7 and 10.4.1 (pattern 0:0).

    AES-128-CBC over the whole 16-byte blocks of each sample, starting anew from the constant IV;
    the bytes after the last whole block stay clear.
    """
    # A context for each sample would cost more than the encryption. CBC adds the block before, as
    # it is encrypted, to each block: adding that and the IV to a sample's first block starts anew.
    encrypt = Cipher(AES(key), CBC(iv)).encryptor().update
    start = int.from_bytes(iv, "big")
    chained = 0  # the block before and the IV, added
    parts = []
    at = 0
    for size in sizes:
        end = at + (size & ~(BLOCK - 1))
        if end > at:
            first = int.from_bytes(payload[at : at + BLOCK], "big") ^ chained
            sample = encrypt(first.to_bytes(BLOCK, "big") + payload[at + BLOCK : end])
            chained = int.from_bytes(sample[-BLOCK:], "big") ^ start
            parts.append(sample)
        at += size
        parts.append(payload[end:at])
    return b"".join(parts)


def encrypt_cenc(payload: bytes, sizes: Sequence[int], key: bytes, first_iv: int) -> bytes:
    """Full-sample encryption in counter mode. 23001-7, 9.4 and 10.1.

    Sample n gets the 8-byte IV `first_iv + n` (see `cenc_ivs`) as the upper half of its counter.
    """
    encryptor = Cipher(AES(key), CTR(bytes(BLOCK))).encryptor()
    restart, encrypt = encryptor.reset_nonce, encryptor.update
    parts = []
    at = 0
    for iv, size in enumerate(sizes, first_iv):
        restart(_counter(iv))
        parts.append(encrypt(payload[at : at + size]))
        at += size
    return b"".join(parts)


def encrypt_segment(segment: bytes, key: bytes, iv: bytes) -> bytes:
    """A whole segment by AES-128-CBC with PKCS #7 padding. RFC 8216, 4.3.2.4 and 5.2."""
    padding = BLOCK - len(segment) % BLOCK
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(segment) + encryptor.update(bytes((padding,)) * padding)


def decrypt_blocks(blocks: bytes, key: bytes, iv: bytes) -> bytes:
    """Whole 16-byte blocks of AES-128-CBC; ValueError for anything between."""
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    return decryptor.update(blocks) + decryptor.finalize()


def counter_mode(key: bytes, iv: bytes) -> Callable[[bytes], bytes]:
    """What decrypts one protected range of a sample after the other, the counter going on."""
    return Cipher(AES(key), CTR(iv)).decryptor().update


def encrypted_size(size: int) -> int:
    """Bytes of a segment of that size once it is encrypted whole: padding is never empty."""
    return size + BLOCK - size % BLOCK


def cenc_ivs(first_iv: int, count: int) -> bytes:
    """The IVs of `count` samples, one after the other, as `senc` carries them."""
    return b"".join(_counter(first_iv + number)[:CENC_IV_SIZE] for number in range(count))


def _counter(iv: int) -> bytes:
    return (iv & 0xFFFFFFFFFFFFFFFF).to_bytes(CENC_IV_SIZE, "big") + bytes(BLOCK - CENC_IV_SIZE)
