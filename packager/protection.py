"""The boxes that say how a track is encrypted. ISO/IEC 23001-7:2023, ISO/IEC 14496-12:2022 8.12."""

from __future__ import annotations

from packager.boxes.base import Box, Container
from packager.boxes.entries import AudioSampleEntry
from packager.boxes.protection import OriginalFormatBox, SchemeTypeBox, TrackEncryptionBox
from packager.crypto import BLOCK, CENC_IV_SIZE
from packager.model import Scheme, TrackProtection

_IV_SIZE = {Scheme.CBCS: BLOCK, Scheme.CENC: CENC_IV_SIZE, Scheme.AES_128: BLOCK}


def check(protection: TrackProtection) -> None:
    """Refuse (ValueError) a key or IV of the wrong length: silence would encrypt wrongly."""
    wanted = _IV_SIZE.get(protection.scheme)
    if wanted is None:
        raise ValueError(f"tracks cannot be protected by {protection.scheme.value}")
    if len(protection.key) != BLOCK or len(protection.iv) != wanted:
        raise ValueError(f"{protection.scheme.value} takes a 16-byte key and a {wanted}-byte IV")


def encrypted_entry(entry: AudioSampleEntry, protection: TrackProtection) -> AudioSampleEntry:
    """`enca` in the place of the clear sample entry, its codec boxes kept.

    |enca|
    |    |(codec boxes)|
    |    |sinf|
    |    |    |frma| |schm|
    |    |    |schi|
    |    |    |    |tenc|
    """
    sinf = Container(
        b"sinf",
        (
            OriginalFormatBox(entry.kind),
            SchemeTypeBox(protection.scheme.value.encode()),
            Container(b"schi", (_tenc(protection),)),
        ),
    )
    children: tuple[Box, ...] = (*entry.children, sinf)
    return AudioSampleEntry(
        b"enca", entry.channel_count, entry.sample_size, entry.sample_rate, children
    )


def _tenc(protection: TrackProtection) -> TrackEncryptionBox:
    kid = protection.kid.value
    if protection.scheme is Scheme.CENC:
        return TrackEncryptionBox(kid, default_per_sample_iv_size=CENC_IV_SIZE)
    # Version 1 with the pattern 0:0 is what Safari wants for full-sample audio.
    return TrackEncryptionBox(kid, default_constant_iv=protection.iv, pattern=(0, 0))
