"""Which key systems a manifest and a track file speak to, beside Clear Key."""

from __future__ import annotations

from dataclasses import dataclass, replace

from packager import pssh
from packager.boxes.protection import ProtectionSystemBox
from packager.model import KeySignaling, Kid, Scheme

_NOTHING = KeySignaling()


@dataclass(frozen=True, slots=True)
class KeySystems:
    """What is configured of other vendors' systems; the default is none of them.

    Their licenses come from their own servers. FairPlay knows `cbcs` only.
    """

    widevine: bool = False
    playready: bool = False
    fairplay: bool = False
    widevine_provider: str = ""
    content_id: bytes = b""  # some Widevine services refuse a box without one
    playready_la_url: str = ""
    # Where Clear Key licenses are, written into an MPD that is not shared (DASH-IF `Laurl`).
    clearkey_la_url: str = ""
    provided: KeySignaling = _NOTHING

    def provided_by(self, signaling: KeySignaling | None) -> KeySystems:
        """The same systems; of one key they are told what its provider wants, if it has one."""
        return self if signaling is None else replace(self, provided=signaling)

    def widevine_box(self, kid: Kid, scheme: Scheme) -> ProtectionSystemBox:
        """Widevine's `pssh` for one key."""
        if self.provided.widevine is not None:
            return pssh.read_box(self.provided.widevine)
        return pssh.widevine(
            [kid], scheme, content_id=self.content_id, provider=self.widevine_provider
        )

    def playready_box(self, kid: Kid, scheme: Scheme) -> ProtectionSystemBox:
        """PlayReady's `pssh` for one key; its data is the PlayReady object."""
        if self.provided.playready is not None:
            return pssh.read_box(self.provided.playready)
        return pssh.playready([kid], scheme, la_url=self.playready_la_url)

    def fairplay_uri(self, kid: Kid) -> str:
        """What a FairPlay client asks its license server for."""
        return self.provided.fairplay or f"skd://{kid.hex}"

    def boxes(self, kid: Kid, scheme: Scheme) -> tuple[ProtectionSystemBox, ...]:
        """The `pssh` boxes for a track's movie box; FairPlay has none."""
        boxes = []
        if self.widevine:
            boxes.append(self.widevine_box(kid, scheme))
        if self.playready:
            boxes.append(self.playready_box(kid, scheme))
        return tuple(boxes)


CLEARKEY_ONLY = KeySystems()
