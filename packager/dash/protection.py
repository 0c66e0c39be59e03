"""ContentProtection descriptors. ISO/IEC 23009-1:2022, 5.8.4.1; DASH-IF IOP part 6, clause 7."""

from __future__ import annotations

from base64 import b64encode

from lxml import etree

from packager.boxes.protection import ProtectionSystemBox
from packager.dash.tree import CENC, child, foreign
from packager.model import Kid, Scheme
from packager.pssh import System
from packager.systems import KeySystems

_MSPR = "urn:microsoft:playready"
_DASHIF = "https://dashif.org/CPS"
_OLD_CLEARKEY = "http://dashif.org/guidelines/clearKey"


def content_protection(
    parent: etree._Element, scheme: Scheme, kid: Kid, systems: KeySystems
) -> None:
    """The scheme with its default KID first, then every key system."""
    common = child(
        parent,
        "ContentProtection",
        schemeIdUri="urn:mpeg:dash:mp4protection:2011",
        value=scheme.value,
    )
    common.set(f"{{{CENC}}}default_KID", str(kid))
    _clearkey(_system(parent, System.CLEARKEY, "ClearKey1.0"), systems.clearkey_la_url)
    if systems.widevine:
        element = _system(parent, System.WIDEVINE, "Widevine")
        _pssh(element, systems.widevine_box(kid, scheme))
    if systems.playready:
        element = _system(parent, System.PLAYREADY, "MSPR 2.0")
        box = systems.playready_box(kid, scheme)
        _pssh(element, box)
        # Older players read this one only (shaka-packager#743).
        foreign(element, "mspr", _MSPR, "pro").text = b64encode(box.data).decode()
    if systems.fairplay and scheme is Scheme.CBCS:
        _system(parent, System.FAIRPLAY, "FairPlay")


def _system(parent: etree._Element, system: System, name: str) -> etree._Element:
    uri = f"urn:uuid:{system.value}"
    return child(parent, "ContentProtection", schemeIdUri=uri, value=name)


def _clearkey(element: etree._Element, license_url: str) -> None:
    """Where licenses are, in today's namespace and in the one that ExoPlayer still wants."""
    if not license_url:
        return
    today = foreign(element, "dashif", _DASHIF, "Laurl")
    today.set("licenseType", "EME-1.0")
    today.text = license_url
    legacy = foreign(element, "clearkey", _OLD_CLEARKEY, "Laurl")
    legacy.set("Lic_type", "EME-1.0")
    legacy.text = license_url


def _pssh(element: etree._Element, box: ProtectionSystemBox) -> None:
    foreign(element, "cenc", CENC, "pssh").text = b64encode(box.encode()).decode()
