"""What key systems are told of a key: `pssh`, DASH's ContentProtection, HLS's key lines."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from packager.boxes.protection import ProtectionSystemBox
from packager.hls.keys import vendor_key
from packager.model import Kid, Scheme
from packager.pssh import System, playready_object
from packager.systems import KeySystems

SYSTEMS = (System.WIDEVINE, System.PLAYREADY, System.FAIRPLAY)
_CENC = "urn:mpeg:cenc:2013"
_MSPR = "urn:microsoft:playready"


class Signaling:
    """Signaling for the keys of one content in one scheme. Immutable."""

    def __init__(self, scheme: Scheme, content_id: str, systems: KeySystems) -> None:
        self._scheme = scheme
        # Some Widevine license services refuse a box without one (shaka-packager#680).
        self._systems = replace(systems, content_id=systems.content_id or content_id.encode())

    def pssh(self, system: System, kid: Kid) -> bytes | None:
        """The whole `pssh` box; FairPlay has none."""
        box = self._box(system, kid)
        return None if box is None else box.encode()

    def content_protection(self, system: System, kid: Kid) -> bytes | None:
        """Children of DASH's ContentProtection, each XML on its own; FairPlay has none."""
        box = self.pssh(system, kid)
        if box is None:
            return None
        children = f'<pssh xmlns="{_CENC}">{_base64(box)}</pssh>'
        if system is System.PLAYREADY:
            # Older players read this one only (shaka-packager#743).
            children += f'<pro xmlns="{_MSPR}">{self.smooth(system, kid)}</pro>'
        return children.encode()

    def hls(self, system: System, kid: Kid, *, multivariant: bool) -> bytes:
        """The line of a media playlist, or of the multivariant playlist."""
        key = vendor_key(system, kid, self._scheme, self._systems)
        tag = "EXT-X-SESSION-KEY" if multivariant else "EXT-X-KEY"
        return str(replace(key, tag=tag)).encode()

    def smooth(self, system: System, kid: Kid) -> str | None:
        """The PlayReady object, as Smooth Streaming's ProtectionHeader holds it."""
        if system is not System.PLAYREADY:
            return None
        url = self._systems.playready_la_url
        return _base64(playready_object([kid], self._scheme, la_url=url))

    def _box(self, system: System, kid: Kid) -> ProtectionSystemBox | None:
        if system is System.WIDEVINE:
            return self._systems.widevine_box(kid, self._scheme)
        if system is System.PLAYREADY:
            return self._systems.playready_box(kid, self._scheme)
        return None


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
