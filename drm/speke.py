"""SPEKE 2.0 and 2.1, the key server's side: a request document in, the same one with keys out.

AWS's "Secure Packager and Encoder Key Exchange" is a profile of CPIX over HTTP. Everything here
is a function of its arguments: `parse_request` says which keys are wanted, somebody finds or
makes them, `answer` fills them in. The same keys for the same request are that somebody's part.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from drm import speke_contract
from drm.cpix import names, xml
from drm.cpix.envelope import Envelope, Recipients
from drm.cpix.errors import InvalidCpix
from drm.cpix.model import Document, Version
from drm.cpix.names import cpix
from drm.cpix.read import read_tree
from drm.cpix.signaling import SYSTEMS, Signaling
from drm.cpix.write import put_delivery_keys, put_plain, put_sealed, serialize
from drm.errors import DrmError
from drm.model import ContentKey
from packager.model import Kid, Scheme
from packager.pssh import System
from packager.systems import KeySystems

MAX_REQUEST_BYTES = xml.MAX_BYTES
CONTENT_TYPE = "application/xml"
VERSIONS = {"2.0": Version.V2_3, "2.1": Version.V2_4}  # X-Speke-Version, and the CPIX it speaks
_MAX_CONTENT_ID = 256  # characters
_SCHEMES = {"cenc": Scheme.CENC, "cbcs": Scheme.CBCS}
_SYSTEMS = {system.value: system for system in SYSTEMS}


class SpekeRefused(DrmError):
    """A request that SPEKE has an error of its own for; the message is its text."""


@dataclass(frozen=True, slots=True)
class WantedKey:
    """A key that is asked for."""

    kid: Kid
    iv: bytes | None = None  # the constant IV that the packager chose


@dataclass(frozen=True, slots=True)
class SpekeRequest:
    """A request that can be answered."""

    speke_version: str
    content_id: str
    scheme: Scheme
    document: Document
    tree: etree._Element = field(repr=False)

    @property
    def wanted(self) -> tuple[WantedKey, ...]:
        """The keys to find or make. Only `cbcs` has an IV that belongs to its key."""
        has_iv = self.scheme is Scheme.CBCS
        return tuple(
            WantedKey(key.kid, key.explicit_iv if has_iv else None) for key in self.document.keys
        )


def parse_request(body: bytes, speke_version: str) -> SpekeRequest:
    """Read a request; `speke_version` is its X-Speke-Version.

    SpekeRefused where SPEKE has a text for what is wrong, else MalformedXml or InvalidCpix.
    """
    if speke_version not in VERSIONS:
        raise SpekeRefused("Unsupported SPEKE version")
    tree = xml.parse_xml(body)
    if tree.tag != cpix("CPIX"):
        raise InvalidCpix("the document is not a CPIX document")
    content_id = tree.get("contentId")
    if not content_id:
        raise SpekeRefused("Missing CPIX@contentId")
    if not tree.get("version"):
        raise SpekeRefused("Missing CPIX@version")
    if tree.get("version") != VERSIONS[speke_version].value:
        raise SpekeRefused("Unsupported CPIX@version")
    if len(content_id) > _MAX_CONTENT_ID:
        raise InvalidCpix(f"CPIX@contentId may have {_MAX_CONTENT_ID} characters")
    _require_schemes(tree)
    document = read_tree(tree)
    speke_contract.check(document)
    scheme = _scheme(document)
    _check_systems(document, scheme)
    if any(key.key is not None or key.sealed is not None for key in document.keys):
        raise InvalidCpix("a ContentKey brings a key of its own")
    return SpekeRequest(speke_version, content_id, scheme, document, tree)


def answer(
    request: SpekeRequest,
    keys: Mapping[Kid, ContentKey],
    systems: KeySystems,
    recipients: Recipients | None,
    now: datetime,
) -> bytes:
    """Fill in keys and signaling, in the places that the request left empty for them.

    Keys are encrypted if the request names recipients. SealedKeysRefused for one that is not on
    the list, InvalidCpix where a key was made with another IV than the request now names.
    """
    root = _with_prefixes(deepcopy(request.tree))
    envelope = _envelope(request, keys, recipients, now)
    if envelope is not None:
        _fill_deliveries(root, envelope)
    fairplay = {
        system.kid for system in request.document.systems if system.system == System.FAIRPLAY.value
    }
    for element in _entries(root, "ContentKey"):
        key = keys[xml.kid(element)]
        if envelope is None:
            put_plain(element, key.key)
        else:
            put_sealed(element, envelope.keys[key.kid])
        if request.scheme is Scheme.CBCS:
            _fill_iv(element, key, is_wanted=key.kid in fairplay)
    signaling = Signaling(request.scheme, request.content_id, systems)
    for element in _entries(root, "DRMSystem"):
        _fill_system(element, signaling)
    return serialize(root)


def _require_schemes(tree: etree._Element) -> None:
    for element in _entries(tree, "ContentKey"):
        if not element.get("commonEncryptionScheme"):
            kid = xml.kid(element)
            raise SpekeRefused(f"Missing ContentKey@commonEncryptionScheme for KID {kid}")


def _scheme(document: Document) -> Scheme:
    """The one scheme of all keys."""
    schemes = {key.scheme or "" for key in document.keys}
    if len(schemes) > 1:
        raise SpekeRefused("Non compliant ContentKey@commonEncryptionScheme combination")
    name = schemes.pop()
    if name not in _SCHEMES:
        raise InvalidCpix(f"Unsupported ContentKey@commonEncryptionScheme {name}")
    return _SCHEMES[name]


def _check_systems(document: Document, scheme: Scheme) -> None:
    for entry in document.systems:
        system = _SYSTEMS.get(entry.system)
        if system is None:
            raise InvalidCpix(f"Unsupported DRMSystem@systemId {entry.system}")
        if system is System.FAIRPLAY and scheme is not Scheme.CBCS:
            raise SpekeRefused("Non compliant ContentKey@commonEncryptionScheme combination")


def _envelope(
    request: SpekeRequest,
    keys: Mapping[Kid, ContentKey],
    recipients: Recipients | None,
    now: datetime,
) -> Envelope | None:
    """The keys, sealed; None where the request asks for them in the clear."""
    deliveries = request.document.deliveries
    if not deliveries:
        return None
    if any(one.document_keys or one.mac_key for one in deliveries):
        raise InvalidCpix("a DeliveryData brings keys of its own")
    wanted = {key.kid: keys[key.kid].key for key in request.document.keys}
    return (recipients or Recipients([])).seal(wanted, deliveries, now)


def _fill_deliveries(root: etree._Element, envelope: Envelope) -> None:
    for element, delivery in zip(_entries(root, "DeliveryData"), envelope.deliveries, strict=True):
        put_delivery_keys(element, delivery.document_keys, delivery.mac_key)


def _fill_iv(element: etree._Element, key: ContentKey, *, is_wanted: bool) -> None:
    """FairPlay's license carries the IV, so it has to be the packager's as well."""
    asked = element.get("explicitIV")
    if asked is not None and xml.decode(asked, "ContentKey@explicitIV") != key.iv:
        raise InvalidCpix(f"the key with KID {key.kid} has another ContentKey@explicitIV")
    if asked is None and is_wanted:
        element.set("explicitIV", _base64(key.iv))


def _fill_system(element: etree._Element, signaling: Signaling) -> None:
    system = _SYSTEMS[xml.parse_uuid(xml.attribute(element, "systemId"), "systemId")]
    kid = xml.kid(element)
    _fill(element, "PSSH", signaling.pssh(system, kid))
    _fill(element, "ContentProtectionData", signaling.content_protection(system, kid))
    smooth = signaling.smooth(system, kid)
    for child in xml.children(element, cpix("SmoothStreamingProtectionHeaderData")):
        child.text = smooth
    for child in xml.children(element, cpix("HLSSignalingData")):
        multivariant = child.get("playlist", "media") != "media"
        child.text = _base64(signaling.hls(system, kid, multivariant=multivariant))


def _fill(system: etree._Element, name: str, value: bytes | None) -> None:
    """Give an element its value; what a system does not have is not left standing empty."""
    for child in list(xml.children(system, cpix(name))):
        if value is None:
            system.remove(child)
        else:
            child.text = _base64(value)


def _entries(root: etree._Element, name: str) -> list[etree._Element]:
    return [
        entry
        for holder in xml.children(root, cpix(f"{name}List"))
        for entry in xml.children(holder, cpix(name))
    ]


def _with_prefixes(tree: etree._Element) -> etree._Element:
    """The same root without its deprecated `id`, and with the prefixes that packagers look for."""
    prefixes = {
        prefix: uri
        for prefix, uri in tree.nsmap.items()
        if prefix and prefix not in names.NAMESPACES and uri not in names.NAMESPACES.values()
    }
    root = etree.Element(tree.tag, nsmap={**prefixes, **names.NAMESPACES})
    for name, value in tree.attrib.items():
        if name != "id":
            root.set(name, value)
    root.text = tree.text
    root.extend(list(tree))
    return root


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
