"""The `EXT-X-KEY` lines of a rendition: one for each way its key can be had."""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum

from packager.hls.tags import Key, Keys
from packager.model import Kid, Rendition, Scheme
from packager.pssh import System
from packager.systems import KeySystems

CLEARKEY = "org.w3.clearkey"
IDENTITY = "identity"
FAIRPLAY = "com.apple.streamingkeydelivery"
PLAYREADY = "com.microsoft.playready"
WIDEVINE = f"urn:uuid:{System.WIDEVINE.value}"

_METHOD = {
    Scheme.CBCS: "SAMPLE-AES",
    Scheme.CENC: "SAMPLE-AES-CTR",
    Scheme.AES_128: "AES-128",
}


class HlsForm(StrEnum):
    """How an encrypted playlist says where its key is; clear ones do not differ.

    WEB: for hls.js, which wants `org.w3.clearkey`, and Shaka Player, which wants `identity` but
    reads an empty KEYFORMAT as that too, while hls.js passes over it. (With a KEYFORMAT of
    `identity` in the playlist hls.js does not use the other line.)
    IDENTITY: RFC 8216's own, for everybody else who decrypts samples.
    AES_128: the second files, whole segments encrypted, for players without EME.
    """

    WEB = "hls"
    IDENTITY = "hls-identity"
    AES_128 = "hls-aes128"


def keys_of(one: Rendition, form: HlsForm, key_base: str, systems: KeySystems) -> Keys | None:
    """The key lines for a media playlist; None where the rendition is clear."""
    if one.kid is None:
        return None
    method = _METHOD[one.scheme]
    uri = key_base + one.kid.hex
    if one.scheme is Scheme.AES_128:
        return Keys((Key(method, uri, IDENTITY, one.iv),))
    if form is HlsForm.IDENTITY:
        own: tuple[Key, ...] = (Key(method, uri, IDENTITY, one.iv),)
    else:
        # hls.js takes the KID from the attribute, or from the first 16 bytes of a data URI.
        kid_uri = f"data:application/octet-stream;base64,{_base64(one.kid.value)}"
        own = (
            Key(method, kid_uri, CLEARKEY, key_id=one.kid.value),
            Key(method, uri, "", one.iv),
        )
    return Keys((*own, *vendor_keys(one, systems)))


def vendor_keys(one: Rendition, systems: KeySystems) -> tuple[Key, ...]:
    """The lines of other vendors' systems. They carry no key and no URI that needs a token."""
    if one.kid is None or one.scheme is Scheme.AES_128:
        return ()
    wanted = (
        (System.WIDEVINE, systems.widevine),
        (System.PLAYREADY, systems.playready),
        (System.FAIRPLAY, systems.fairplay and one.scheme is Scheme.CBCS),
    )
    told = systems.provided_by(one.signaling)
    return tuple(vendor_key(system, one.kid, one.scheme, told) for system, is_on in wanted if is_on)


def vendor_key(system: System, kid: Kid, scheme: Scheme, systems: KeySystems) -> Key:
    """The line of one system for one key. ValueError for a system that has none in HLS."""
    method = _METHOD[scheme]
    if system is System.WIDEVINE:
        box = _base64(systems.widevine_box(kid, scheme).encode())
        return Key(method, f"data:text/plain;base64,{box}", WIDEVINE, key_id=kid.value)
    if system is System.PLAYREADY:
        pro = _base64(systems.playready_box(kid, scheme).data)
        return Key(method, f"data:text/plain;charset=UTF-16;base64,{pro}", PLAYREADY)
    if system is System.FAIRPLAY and scheme is Scheme.CBCS:
        # No IV: it travels in the license, inside Apple's CKC.
        return Key(method, systems.fairplay_uri(kid), FAIRPLAY)
    msg = f"no line for {system.name} and {scheme.value}"
    raise ValueError(msg)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
