"""Which key systems a manifest and a track file speak to, beside Clear Key."""

from __future__ import annotations

from dataclasses import dataclass

from packager import pssh
from packager.boxes.protection import ProtectionSystemBox
from packager.model import Kid, Scheme


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

    def widevine_box(self, kid: Kid, scheme: Scheme) -> ProtectionSystemBox:
        """Widevine's `pssh` for one key."""
        return pssh.widevine(
            [kid], scheme, content_id=self.content_id, provider=self.widevine_provider
        )

    def playready_box(self, kid: Kid, scheme: Scheme) -> ProtectionSystemBox:
        """PlayReady's `pssh` for one key."""
        return pssh.playready([kid], scheme, la_url=self.playready_la_url)

    def boxes(self, kid: Kid, scheme: Scheme) -> tuple[ProtectionSystemBox, ...]:
        """The `pssh` boxes for a track's movie box; FairPlay has none."""
        boxes = []
        if self.widevine:
            boxes.append(self.widevine_box(kid, scheme))
        if self.playready:
            boxes.append(self.playready_box(kid, scheme))
        return tuple(boxes)


CLEARKEY_ONLY = KeySystems()
