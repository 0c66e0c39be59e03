"""Sample encryption of audio: every byte of a frame, no subsamples. ISO/IEC 23001-7:2023.

The only module of the packager that touches a cipher. Randomness (keys, IVs) comes from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    cipher = Cipher(AES(key), CBC(iv))
    view = memoryview(payload)
    out = bytearray(payload)
    at = 0
    for size in sizes:
        whole = size & ~(BLOCK - 1)
        if whole:
            out[at : at + whole] = cipher.encryptor().update(view[at : at + whole])
        at += size
    return bytes(out)


def encrypt_cenc(payload: bytes, sizes: Sequence[int], key: bytes, first_iv: int) -> bytes:
    """Full-sample encryption in counter mode. 23001-7, 9.4 and 10.1.

    Sample n gets the 8-byte IV `first_iv + n` (see `cenc_ivs`) as the upper half of its counter.
    """
    encryptor = Cipher(AES(key), CTR(bytes(BLOCK))).encryptor()
    view = memoryview(payload)
    parts = []
    at = 0
    for number, size in enumerate(sizes):
        encryptor.reset_nonce(_counter(first_iv + number))
        parts.append(encryptor.update(view[at : at + size]))
        at += size
    return b"".join(parts)


def encrypt_segment(segment: bytes, key: bytes, iv: bytes) -> bytes:
    """A whole segment by AES-128-CBC with PKCS #7 padding. RFC 8216, 4.3.2.4 and 5.2."""
    padding = BLOCK - len(segment) % BLOCK
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(segment) + encryptor.update(bytes((padding,)) * padding)


def encrypted_size(size: int) -> int:
    """Bytes of a segment of that size once it is encrypted whole: padding is never empty."""
    return size + BLOCK - size % BLOCK


def cenc_ivs(first_iv: int, count: int) -> bytes:
    """The IVs of `count` samples, one after the other, as `senc` carries them."""
    return b"".join(_counter(first_iv + number)[:CENC_IV_SIZE] for number in range(count))


def _counter(iv: int) -> bytes:
    return (iv & 0xFFFFFFFFFFFFFFFF).to_bytes(CENC_IV_SIZE, "big") + bytes(BLOCK - CENC_IV_SIZE)
