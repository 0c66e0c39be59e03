"""Decryption of audio samples, of anybody's making, to look at what is inside.

ISO/IEC 23001-7:2023, clauses 9 and 10, with the subsamples that we never write. RFC 8216, 5.2
for whole segments.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from packager.boxes.protection import SampleEncryptionBox, TrackEncryptionBox
from packager.check.track import Fragment
from packager.crypto import BLOCK, counter_mode, decrypt_blocks

Subsamples = tuple[tuple[int, int], ...]  # (clear bytes, protected bytes); empty: all protected


class MalformedAuxiliary(Exception):
    """Auxiliary information that does not fit its samples."""


def sample_ivs(senc: SampleEncryptionBox, iv_size: int) -> list[tuple[bytes, Subsamples]]:
    """IV and subsamples of each sample; MalformedAuxiliary."""
    if senc.sample_count * (iv_size + 2 * senc.subsamples) > len(senc.ivs):
        raise MalformedAuxiliary(f"senc has too few bytes for {senc.sample_count} samples")
    if not iv_size and not senc.subsamples:
        return []
    found = []
    at = 0
    for _ in range(senc.sample_count):
        iv = senc.ivs[at : at + iv_size]
        at += iv_size
        ranges: Subsamples = ()
        if senc.subsamples:
            count = int.from_bytes(senc.ivs[at : at + 2], "big")
            rows = senc.ivs[at + 2 : at + 2 + count * 6]
            if len(rows) != count * 6:
                raise MalformedAuxiliary(f"{count} subsamples do not fit into senc")
            at += 2 + len(rows)
            ranges = tuple(
                (
                    int.from_bytes(rows[row : row + 2], "big"),
                    int.from_bytes(rows[row + 2 : row + 6], "big"),
                )
                for row in range(0, len(rows), 6)
            )
        found.append((iv, ranges))
    if at != len(senc.ivs):
        raise MalformedAuxiliary(f"{len(senc.ivs) - at} bytes behind the last entry of senc")
    return found


def decrypted(
    samples: Iterator[bytes], one: Fragment, box: TrackEncryptionBox, scheme: bytes, key: bytes
) -> Iterator[bytes]:
    """The samples of a fragment in the clear; MalformedAuxiliary where their IVs are not known."""
    senc = one.traf.get(SampleEncryptionBox, b"senc")
    entries = sample_ivs(senc, box.default_per_sample_iv_size) if senc else []
    if not entries:
        if len(box.default_constant_iv) not in {8, BLOCK}:
            raise MalformedAuxiliary("the samples have no IVs")
        known = repeat((box.default_constant_iv, ()))
    elif len(entries) < len(one.sizes):
        raise MalformedAuxiliary("there are more samples than IVs")
    else:
        known = ((iv or box.default_constant_iv, ranges) for iv, ranges in entries)  # type: ignore[assignment]  # both are iterators of the same pairs
    for sample, (iv, ranges) in zip(samples, known, strict=False):
        yield _sample(sample, iv.ljust(BLOCK, b"\0"), ranges, scheme, key)


def _sample(sample: bytes, iv: bytes, ranges: Subsamples, scheme: bytes, key: bytes) -> bytes:
    counter = counter_mode(key, iv)
    out = bytearray()
    at = 0
    for clear, protected in ranges or ((0, len(sample)),):
        out += sample[at : at + clear]
        part = sample[at + clear : at + clear + protected]
        if scheme in {b"cbcs", b"cbc1"}:
            whole = len(part) & ~(BLOCK - 1)
            out += decrypt_blocks(part[:whole], key, iv) + part[whole:]
        else:
            out += counter(part)
        at += clear + protected
    return bytes(out) + sample[at:]


def whole_segment(data: bytes, key: bytes, iv: bytes) -> bytes | None:
    """AES-128 as HLS does it: CBC with PKCS7 padding; None where the padding is wrong."""
    if not data or len(data) % BLOCK:
        return None
    plain = decrypt_blocks(data, key, iv)
    count = plain[-1]
    if not 1 <= count <= BLOCK or plain[-count:] != bytes([count]) * count:
        return None
    return plain[:-count]
