"""SPEKE 2.0 and 2.1, the packager's side: content keys from a vendor's key provider.

One request for each key, with a content id of its own: SPEKE passes over bit rates and has no
other filter that could tell the tiers of an audio track apart. What comes back is believed only
as far as it is an answer to what was asked.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from drm import speke
from drm.cpix.envelope import Identity
from drm.cpix.errors import CpixError, InvalidCpix
from drm.cpix.model import (
    AudioFilter,
    Delivery,
    Document,
    HlsSignaling,
    KeyEntry,
    Playlist,
    SystemEntry,
    UsageRule,
    Version,
)
from drm.cpix.read import read
from drm.cpix.write import write
from drm.http_client import HttpAnswer, HttpClient, HttpFailed
from drm.key_provider import KeyProviderFailed, ProvidedKey
from drm.model import ContentKey
from packager.model import KeySignaling, Kid, Scheme
from packager.pssh import System, is_box_of

_IV_BYTES = {Scheme.CBCS: 16, Scheme.CENC: 8}
_CBCS = Scheme.CBCS
_PAUSES_S = (0.5, 2.0)  # before each further try
_USER_AGENT = "headwater"


@dataclass(frozen=True, slots=True)
class SpekeClient:
    """Asks one provider. Calls may be concurrent.

    With an `identity` keys have to come encrypted to its certificate.
    """

    http: HttpClient
    url: str
    version: str  # "2.0" or "2.1"
    systems: Sequence[System]  # at least one
    token: Callable[[], str] | None = field(default=None, repr=False)  # for `Bearer`
    identity: Identity | None = None
    timeout_s: float = 10.0
    pauses_s: Sequence[float] = _PAUSES_S

    async def key(self, content_id: str, scheme: Scheme) -> ProvidedKey:
        """Get a new key for a content, `cenc` or `cbcs`. KeyProviderFailed after some tries."""
        # FairPlay knows `cbcs` only.
        systems = [one for one in self.systems if one is not System.FAIRPLAY or scheme is _CBCS]
        if not systems:
            raise KeyProviderFailed(self.url, f"{scheme.value} is for Widevine and PlayReady only")
        asked = request(content_id, scheme, self.version, systems, self.identity)
        answer = await self._send(write(asked))
        try:
            document = read(answer.body)
            if self.identity is not None:
                document = self.identity.open(_sealed(document))
            return _provided(asked, document, scheme)
        except CpixError as exc:
            raise KeyProviderFailed(self.url, f"its answer is not one: {exc}") from exc

    async def _send(self, body: bytes) -> HttpAnswer:
        """Post a request; again where that may help, since the same one gets the same keys."""
        for pause in self.pauses_s:
            try:
                answer = await self._post(body)
            except HttpFailed:
                pass
            else:
                if answer.status < 500:
                    return self._checked(answer)
            await asyncio.sleep(pause)
        try:
            return self._checked(await self._post(body))
        except HttpFailed as exc:
            raise KeyProviderFailed(self.url, exc.cause) from exc

    async def _post(self, body: bytes) -> HttpAnswer:
        headers = {
            "Content-Type": speke.CONTENT_TYPE,
            "X-Speke-Version": self.version,
            "X-Speke-User-Agent": _USER_AGENT,
        }
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token()}"
        return await self.http.request("POST", self.url, headers, body, self.timeout_s)

    def _checked(self, answer: HttpAnswer) -> HttpAnswer:
        if answer.status != 200:
            raise KeyProviderFailed(self.url, f"status {answer.status}{_reason(answer.body)}")
        if answer.headers.get("x-speke-version") != self.version:
            raise KeyProviderFailed(self.url, f"it does not speak SPEKE {self.version}")
        return answer


def request(
    content_id: str,
    scheme: Scheme,
    version: str,
    systems: Sequence[System],
    identity: Identity | None = None,
) -> Document:
    """The request for one new key, with an empty place for all that may come back."""
    kid = Kid(uuid4().bytes)
    cpix = speke.VERSIONS[version]
    return Document(
        version=cpix,
        content_id=content_id,
        deliveries=() if identity is None else (Delivery(identity.certificate),),
        keys=(KeyEntry(kid, scheme.value),),
        systems=tuple(_asked(system, kid, cpix) for system in systems),
        rules=(UsageRule(kid, "AUDIO", audio=(AudioFilter(),)),),
    )


def _asked(system: System, kid: Kid, version: Version) -> SystemEntry:
    empty = None if system is System.FAIRPLAY else b""
    multivariant = Playlist.MASTER if version is Version.V2_3 else Playlist.MULTIVARIANT
    hls = (HlsSignaling(b"", Playlist.MEDIA), HlsSignaling(b"", multivariant))
    return SystemEntry(system.value, kid, pssh=empty, content_protection=empty, hls=hls)


def _sealed(document: Document) -> Document:
    """The document, if its keys are encrypted: in the clear they were asked for by nobody."""
    if any(key.key is not None for key in document.keys):
        raise InvalidCpix("a key is not encrypted")
    return document


def _provided(asked: Document, document: Document, scheme: Scheme) -> ProvidedKey:
    """The key, if the document is the one that was asked for."""
    entry, wanted = document.keys[0] if document.keys else None, asked.keys[0]
    if entry is None or len(document.keys) > 1 or entry.kid != wanted.kid:
        raise InvalidCpix("it has not the key that was asked for")
    if (document.content_id, document.version) != (asked.content_id, asked.version):
        raise InvalidCpix("it is of another content or version")
    if entry.scheme != wanted.scheme:
        raise InvalidCpix("its key is for another scheme")
    if entry.key is None or not any(entry.key):
        raise InvalidCpix("it has no key")
    size = _IV_BYTES[scheme]
    iv = entry.explicit_iv if scheme is Scheme.CBCS else None
    key = ContentKey(entry.kid, entry.key, iv or secrets.token_bytes(size))
    return ProvidedKey(key, _signaling(asked, document))


def _signaling(asked: Document, document: Document) -> KeySignaling:
    found = {one.system: one for one in document.systems}
    if missing := [one.system for one in asked.systems if one.system not in found]:
        raise InvalidCpix(f"it says nothing of system {missing[0]}")
    boxes: dict[System, bytes | None] = {}
    for system in (System.WIDEVINE, System.PLAYREADY):
        entry = found.get(system.value)
        boxes[system] = entry.pssh or None if entry is not None else None
        if entry is not None and not is_box_of(system, entry.pssh or b""):
            raise InvalidCpix(f"its PSSH for {system.name} is not one")
    fairplay = found.get(System.FAIRPLAY.value)
    return KeySignaling(
        widevine=boxes[System.WIDEVINE],
        playready=boxes[System.PLAYREADY],
        fairplay=None if fairplay is None else _skd(fairplay),
    )


def _skd(entry: SystemEntry) -> str:
    """The URI of FairPlay's line for a media playlist."""
    for one in entry.hls:
        if one.playlist in {None, Playlist.MEDIA}:
            text = one.data.decode("ascii", "replace")
            _, _, rest = text.partition('URI="')
            uri, quote, _ = rest.partition('"')
            if quote and uri.startswith("skd://") and uri.isascii() and uri.isprintable():
                return uri
    raise InvalidCpix("its HLSSignalingData for FairPlay has no skd URI")


def _reason(body: bytes) -> str:
    """What a refusal says, as far as it fits on a line."""
    text = "".join(one if one.isprintable() else " " for one in body.decode("utf-8", "replace"))
    short = text.strip()[:200]
    return f": {short}" if short else ""
