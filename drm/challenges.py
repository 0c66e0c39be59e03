"""License requests of other vendors' key systems, as far as they can be read: for which keys.

What a device says of itself is for the vendor alone, mostly encrypted, and passed on untouched.
None of this can be relied on to keep a key from anybody: the vendor is told which keys may be
given (`drm.vendors`), and that is what counts. It is for asking no more than is wanted, and for
the audit.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from lxml import etree

from drm.cpix.errors import CpixError
from drm.cpix.xml import parse_xml
from drm.errors import MalformedRequest
from drm.protobuf import all_of, last_of
from packager.boxes.base import parse
from packager.boxes.protection import ProtectionSystemBox
from packager.errors import PackagerError
from packager.model import Kid
from packager.pssh import System

MAX_CHALLENGE_BYTES = 64 << 10
_MAX_KIDS = 16
_BINARY: Mapping[str, str] = {"Content-Type": "application/octet-stream"}
# As SOAP 1.1 has it, and servers of PlayReady insist.
_SOAP_HEADERS: Mapping[str, str] = {
    "Content-Type": "text/xml; charset=utf-8",
    "SOAPAction": '"http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense"',
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """A license request of a device."""

    body: bytes = field(repr=False)
    kids: tuple[Kid, ...] = ()  # each once; none: it does not say
    offline: bool = False  # whether the license is to be kept, where that can be seen
    is_for_license: bool = True  # False: for the vendor's certificate, which holds no key
    headers: Mapping[str, str] = field(default_factory=lambda: _BINARY)  # that it is sent with


# SignedMessage and LicenseRequest of Widevine's license_protocol.proto (in Chromium and Android
# sources): the message types, and the fields that lead to the `pssh` data.
_LICENSE_REQUEST, _CERTIFICATE_REQUEST = 1, 4
_TYPE, _MESSAGE = 1, 2
_CONTENT_ID = 2
_PSSH_DATA, _INIT_DATA = 1, 4  # of ContentIdentification; others name an earlier license
_PSSH_DATA_DATA, _PSSH_DATA_TYPE = 1, 2
_INIT_DATA_DATA, _INIT_DATA_TYPE = 2, 3
_OFFLINE = 2  # LicenseType
_KEY_ID = 2  # of WidevinePsshData (Shaka Packager's widevine_pssh_data.proto)


def widevine(body: bytes) -> Challenge:
    """Read a Widevine challenge. MalformedRequest if it is none.

    A request that renews or ends a license names no keys.
    """
    kind, messages = last_of(body, _TYPE), all_of(body, _MESSAGE)
    if kind == _CERTIFICATE_REQUEST:
        return Challenge(body, is_for_license=False)
    if kind != _LICENSE_REQUEST or len(messages) != 1:
        raise MalformedRequest("not a Widevine license request")
    kids: list[Kid] = []
    offline = False
    for content in all_of(messages[0], _CONTENT_ID):
        for entry in all_of(content, _PSSH_DATA):
            offline = offline or last_of(entry, _PSSH_DATA_TYPE) == _OFFLINE
            kids += _kids(one for data in all_of(entry, _PSSH_DATA_DATA) for one in _key_ids(data))
        for entry in all_of(content, _INIT_DATA):
            offline = offline or last_of(entry, _INIT_DATA_TYPE) == _OFFLINE
            data = b"".join(all_of(entry, _INIT_DATA_DATA))
            kids += _kids(one for box in _widevine_boxes(data) for one in _key_ids(box))
    return Challenge(body, _unique(kids), offline)


def _widevine_boxes(data: bytes) -> Iterator[bytes]:
    """The data of the Widevine boxes among these. W3C "cenc" Initialization Data Format."""
    try:
        boxes = parse(data)
    except PackagerError:
        raise MalformedRequest("the initialization data are not `pssh` boxes") from None
    for box in boxes:
        if isinstance(box, ProtectionSystemBox) and box.system_id == System.WIDEVINE.value.bytes:
            yield box.data


def _key_ids(data: bytes) -> list[bytes]:
    return all_of(data, _KEY_ID)


_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_PROTOCOL = "{http://schemas.microsoft.com/DRM/2007/03/protocols}"
_HEADER = "{http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader}"


def playready(body: bytes) -> Challenge:
    """Read a PlayReady license request, a SOAP message. MalformedRequest if it is none.

    Its keys are in the rights management header of the content (PlayReady Header Specification,
    versions 4.0 to 4.3); whether the license is to be kept is for the vendor to see.
    """
    try:
        root = parse_xml(body)
    except CpixError:
        raise MalformedRequest("not XML in UTF-8") from None
    path = f"{_SOAP}Body/{_PROTOCOL}AcquireLicense"
    acquire = root.find(path) if root.tag == f"{_SOAP}Envelope" else None
    if acquire is None:
        raise MalformedRequest("not a PlayReady license request")
    headers = list(acquire.iter(f"{_HEADER}WRMHEADER"))
    texts = [text for header in headers for text in _header_kids(header)]
    return Challenge(body, _unique(_kids(map(_guid, texts))), headers=_SOAP_HEADERS)


def _header_kids(header: etree._Element) -> Iterator[str]:
    """KID elements: their text in version 4.0, their attribute VALUE since 4.1."""
    for element in header.iter(f"{_HEADER}KID"):
        yield element.get("VALUE") or element.text or ""


def _guid(text: str) -> bytes:
    """The KID of a GUID, whose first three fields are little-endian."""
    try:
        return UUID(bytes_le=b64decode(re.sub(r"\s", "", text), validate=True)).bytes
    except ValueError:
        raise MalformedRequest("a KID is not 16 bytes in base64") from None


# Version, reserved, IV, wrapped key, hash of the certificate, length: what precedes the payload
# of a server playback context (FairPlay Streaming Programming Guide, "SPC Message Container").
_MIN_SPC_BYTES = 4 + 4 + 16 + 128 + 20 + 4
_SPC_VERSIONS = range(1, 4)


def fairplay(body: bytes) -> Challenge:
    """Take a server playback context as it is, not in base64. All that matters is encrypted."""
    if len(body) < _MIN_SPC_BYTES or int.from_bytes(body[:4], "big") not in _SPC_VERSIONS:
        raise MalformedRequest("not a FairPlay server playback context")
    return Challenge(body)


def _kids(values: Iterable[bytes]) -> list[Kid]:
    try:
        return [Kid(value) for value in values]
    except ValueError:
        raise MalformedRequest("a key id is not 16 bytes") from None


def _unique(kids: list[Kid]) -> tuple[Kid, ...]:
    found = tuple(dict.fromkeys(kids))
    if len(found) > _MAX_KIDS:
        raise MalformedRequest(f"a license request may name {_MAX_KIDS} keys")
    return found
