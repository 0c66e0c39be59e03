"""Keys of ours as a CPIX document, for packagers and license services of another make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drm.cpix.model import (
    AudioFilter,
    Document,
    HlsSignaling,
    KeyEntry,
    Playlist,
    SystemEntry,
    UsageRule,
    Version,
)
from drm.cpix.signaling import Signaling
from drm.model import ContentKey
from packager.model import Scheme
from packager.pssh import System
from packager.systems import CLEARKEY_ONLY, KeySystems

_SCHEME_NAME = {Scheme.CENC: "cenc", Scheme.CBCS: "cbcs", Scheme.AES_128: "AES-128"}
# Only a constant IV says anything about a whole file.
_CONSTANT_IV = frozenset((Scheme.CBCS, Scheme.AES_128))


@dataclass(frozen=True, slots=True)
class TierKey:
    """A content key and what it is for."""

    key: ContentKey
    tier: str
    scheme: Scheme


def document_for(
    content_id: str, keys: Iterable[TierKey], *, systems: KeySystems = CLEARKEY_ONLY
) -> Document:
    """A 2.4 document with these keys in the clear; `envelope.seal_document` encrypts them.

    Each key has a usage rule for audio with its tier as label (`tier/aes-128` for the key of
    whole segments), and what the configured key systems are told of it.
    """
    given = tuple(keys)
    entries = []
    for one in given:
        if one.scheme is not Scheme.AES_128:
            entries += _systems(one, Signaling(one.scheme, content_id, systems), systems)
    return Document(
        version=Version.V2_4,
        content_id=content_id,
        keys=tuple(map(_entry, given)),
        systems=tuple(entries),
        rules=tuple(map(_rule, given)),
    )


def _entry(one: TierKey) -> KeyEntry:
    return KeyEntry(
        kid=one.key.kid,
        scheme=_SCHEME_NAME[one.scheme],
        key=one.key.key,
        explicit_iv=one.key.iv if one.scheme in _CONSTANT_IV else None,
    )


def _rule(one: TierKey) -> UsageRule:
    suffix = "/aes-128" if one.scheme is Scheme.AES_128 else ""
    return UsageRule(
        kid=one.key.kid, track_type="AUDIO", labels=(one.tier + suffix,), audio=(AudioFilter(),)
    )


def _systems(one: TierKey, signaling: Signaling, systems: KeySystems) -> list[SystemEntry]:
    wanted = (
        (System.WIDEVINE, systems.widevine),
        (System.PLAYREADY, systems.playready),
        (System.FAIRPLAY, systems.fairplay and one.scheme is Scheme.CBCS),
    )
    kid = one.key.kid
    return [
        SystemEntry(
            system=system.value,
            kid=kid,
            pssh=signaling.pssh(system, kid),
            content_protection=signaling.content_protection(system, kid),
            hls=(
                HlsSignaling(signaling.hls(system, kid, multivariant=False), Playlist.MEDIA),
                HlsSignaling(signaling.hls(system, kid, multivariant=True), Playlist.MULTIVARIANT),
            ),
        )
        for system, is_on in wanted
        if is_on
    ]
