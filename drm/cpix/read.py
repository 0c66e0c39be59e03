"""XML -> Document: every required attribute and every value is checked, and then the `rules`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from lxml import etree

from drm.cpix import names, rules
from drm.cpix.errors import InvalidCpix
from drm.cpix.model import (
    AudioFilter,
    BitrateFilter,
    Delivery,
    Document,
    DocumentKey,
    HlsSignaling,
    KeyEntry,
    KeyPeriod,
    Playlist,
    Range,
    SealedKey,
    SystemEntry,
    UsageRule,
    Version,
    VideoFilter,
)
from drm.cpix.names import cpix, ds, enc, pskc
from drm.cpix.xml import (
    attribute,
    binary,
    boolean,
    children,
    decode,
    kid,
    local,
    only_child,
    parse_kid,
    parse_uuid,
    parse_xml,
    text,
    whole,
)

_KEY_BYTES = 16
_IV_BYTES = 16
_CENC_SCHEMES = frozenset(("cenc", "cbc1", "cens", "cbcs"))
_HLS_METHODS = frozenset(("AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR"))  # allowed since 2.4
_DURATION = re.compile(
    r"P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?",
    re.ASCII,
)
# 2.4 renamed `master`; AWS's own SPEKE 2.1 requests still say it, so it is read there as well.
_PLAYLISTS = {
    Version.V2_3: frozenset((Playlist.MEDIA, Playlist.MASTER)),
    Version.V2_4: frozenset(Playlist),
}

_T = TypeVar("_T")


def read(data: bytes) -> Document:
    """Read a document. MalformedXml or InvalidCpix say what is wrong with it."""
    document = read_tree(parse_xml(data))
    rules.check_contexts(document.rules)
    return document


def read_tree(root: etree._Element) -> Document:
    """Read what is parsed already. Whether two keys are for one context is left to the caller."""
    if root.tag != cpix("CPIX"):
        raise InvalidCpix("the document is not a CPIX document")
    if any(element.tag == ds("Signature") for element in children(root)):
        raise InvalidCpix("signed documents are not supported")
    version = _version(root)
    document = Document(
        version=version,
        content_id=root.get("contentId"),
        name=root.get("name"),
        deliveries=_list(root, "DeliveryData", _delivery),
        keys=_list(root, "ContentKey", lambda element: _key(element, version)),
        systems=_list(root, "DRMSystem", lambda element: _system(element, version)),
        periods=_list(root, "ContentKeyPeriod", _period),
        rules=_list(root, "ContentKeyUsageRule", _rule),
    )
    rules.check(document)
    return document


def _version(root: etree._Element) -> Version:
    try:
        return Version(attribute(root, "version").strip())
    except ValueError:
        raise InvalidCpix("Unsupported CPIX@version") from None


def _list(
    root: etree._Element, name: str, read_one: Callable[[etree._Element], _T]
) -> tuple[_T, ...]:
    """The entries of a list element, which may be absent but not there twice."""
    element = only_child(root, cpix(f"{name}List"))
    if element is None:
        return ()
    for child in children(element):
        if child.tag != cpix(name):
            raise InvalidCpix(f"{local(element)} holds a {local(child)}")
    return tuple(map(read_one, children(element)))


def _delivery(element: etree._Element) -> Delivery:
    recipient = only_child(element, cpix("DeliveryKey"))
    holder = None if recipient is None else only_child(recipient, ds("X509Data"))
    certificate = None if holder is None else only_child(holder, ds("X509Certificate"))
    if certificate is None:
        raise InvalidCpix("a DeliveryKey has no X509Certificate")
    mac = only_child(element, cpix("MACMethod"))
    if mac is not None and mac.get("Algorithm") != names.HMAC_SHA512:
        raise InvalidCpix("MACMethod@Algorithm is not HMAC-SHA-512")
    mac_key = None if mac is None else only_child(mac, pskc("MACKey"))
    return Delivery(
        certificate=binary(certificate),
        document_keys=tuple(map(_document_key, children(element, cpix("DocumentKey")))),
        mac_key=None if mac_key is None else _cipher(mac_key, names.RSA_OAEP_MGF1_SHA1),
        id=element.get("id"),
        name=element.get("name"),
    )


def _document_key(element: etree._Element) -> DocumentKey:
    algorithm = element.get("Algorithm")
    if algorithm not in {None, names.AES_256_CBC}:
        raise InvalidCpix("DocumentKey@Algorithm is not AES-256-CBC")
    secret = _secret(element)
    value = None if secret is None else only_child(secret, pskc("EncryptedValue"))
    if value is None:
        raise InvalidCpix("a DocumentKey has no EncryptedValue")
    kids = (element.get("encryptsKey") or "").split()
    return DocumentKey(
        _cipher(value, names.RSA_OAEP_MGF1_SHA1),
        tuple(parse_kid(one, "DocumentKey@encryptsKey") for one in kids),
    )


def _key(element: etree._Element, version: Version) -> KeyEntry:
    iv = element.get("explicitIV")
    explicit_iv = None if iv is None else decode(iv, "ContentKey@explicitIV")
    if explicit_iv is not None and len(explicit_iv) != _IV_BYTES:
        raise InvalidCpix(f"ContentKey@explicitIV is not {_IV_BYTES} bytes")
    depends_on = element.get("dependsOnKey")
    key, sealed = _value(element)
    return KeyEntry(
        kid=kid(element),
        scheme=_scheme(element, version),
        key=key,
        sealed=sealed,
        explicit_iv=explicit_iv,
        content_id=element.get("contentId"),
        depends_on=None if depends_on is None else parse_kid(depends_on, "dependsOnKey"),
    )


def _scheme(element: etree._Element, version: Version) -> str | None:
    scheme = element.get("commonEncryptionScheme")
    allowed = _CENC_SCHEMES if version is Version.V2_3 else _CENC_SCHEMES | _HLS_METHODS
    if scheme is not None and scheme not in allowed:
        raise InvalidCpix("ContentKey@commonEncryptionScheme is none of this version's")
    return scheme


def _value(element: etree._Element) -> tuple[bytes | None, SealedKey | None]:
    """The key in the clear, or encrypted with its MAC."""
    secret = _secret(element)
    if secret is None:
        return None, None
    plain = only_child(secret, pskc("PlainValue"))
    encrypted = only_child(secret, pskc("EncryptedValue"))
    if (plain is None) == (encrypted is None):
        raise InvalidCpix("a Secret holds one PlainValue or one EncryptedValue")
    if plain is not None:
        key = binary(plain)
        if len(key) != _KEY_BYTES:
            raise InvalidCpix(f"a content key is not {_KEY_BYTES} bytes")
        return key, None
    mac = only_child(secret, pskc("ValueMAC"))
    if mac is None or encrypted is None:
        raise InvalidCpix("an EncryptedValue has no ValueMAC")
    return None, SealedKey(_cipher(encrypted, names.AES_256_CBC), binary(mac))


def _secret(element: etree._Element) -> etree._Element | None:
    data = only_child(element, cpix("Data"))
    return None if data is None else only_child(data, pskc("Secret"))


def _cipher(element: etree._Element, algorithm: str) -> bytes:
    """`enc:EncryptedDataType`. XML Encryption, 3.1."""
    method = only_child(element, enc("EncryptionMethod"))
    if method is None or method.get("Algorithm") != algorithm:
        raise InvalidCpix(f"{local(element)} is not encrypted with {algorithm}")
    data = only_child(element, enc("CipherData"))
    value = None if data is None else only_child(data, enc("CipherValue"))
    if value is None:
        raise InvalidCpix(f"{local(element)} has no CipherValue")
    return binary(value)


def _system(element: etree._Element, version: Version) -> SystemEntry:
    pssh = only_child(element, cpix("PSSH"))
    protection = only_child(element, cpix("ContentProtectionData"))
    smooth = only_child(element, cpix("SmoothStreamingProtectionHeaderData"))
    return SystemEntry(
        system=parse_uuid(attribute(element, "systemId"), "DRMSystem@systemId"),
        kid=kid(element),
        name=element.get("name"),
        pssh=None if pssh is None else binary(pssh),
        content_protection=None if protection is None else binary(protection),
        robustness=None if protection is None else protection.get("robustness"),
        hls=_hls(element, version),
        smooth=None if smooth is None else text(smooth),
        allowed_cpc=element.get("HLSAllowedCPC"),
    )


def _hls(system: etree._Element, version: Version) -> tuple[HlsSignaling, ...]:
    found = []
    for element in children(system, cpix("HLSSignalingData")):
        name = element.get("playlist")
        if name is not None and name not in _PLAYLISTS[version]:
            raise InvalidCpix("HLSSignalingData@playlist is none of this version's")
        playlist = None if name is None else Playlist(name)
        found.append(HlsSignaling(binary(element), playlist, element.get("allowedCPC")))
    if len(found) > 1 and any(one.playlist is None for one in found):
        raise InvalidCpix("Missing HLSSignalingData@playlist")
    # `master` and `multiVariant` are two names of one playlist.
    if len({one.playlist is Playlist.MEDIA for one in found}) < len(found):
        raise InvalidCpix("two HLSSignalingData are for one playlist")
    return tuple(found)


def _period(element: etree._Element) -> KeyPeriod:
    return KeyPeriod(
        id=element.get("id"),
        index=whole(element, "index"),
        start=_instant(element, "start"),
        end=_instant(element, "end"),
        start_offset=_duration(element, "startOffset"),
        end_offset=_duration(element, "endOffset"),
        duration=_duration(element, "duration"),
    )


def _instant(element: etree._Element, name: str) -> datetime | None:
    """An xs:dateTime; UTC where it does not say."""
    value = element.get(name)
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
    except ValueError:
        raise InvalidCpix(f"{local(element)}@{name} is not a date and time") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _duration(element: etree._Element, name: str) -> str | None:
    value = element.get(name)
    if value is not None and not _DURATION.fullmatch(value.strip()):
        raise InvalidCpix(f"{local(element)}@{name} is not a duration")
    return value


def _rule(element: etree._Element) -> UsageRule:
    def found(name: str) -> list[etree._Element]:
        return list(children(element, cpix(name)))

    return UsageRule(
        kid=kid(element),
        track_type=element.get("intendedTrackType"),
        periods=tuple(attribute(one, "periodId") for one in found("KeyPeriodFilter")),
        labels=tuple(attribute(one, "label") for one in found("LabelFilter")),
        video=tuple(map(_video, found("VideoFilter"))),
        audio=tuple(AudioFilter(_range(one, "Channels")) for one in found("AudioFilter")),
        bitrate=tuple(BitrateFilter(_range(one, "Bitrate")) for one in found("BitrateFilter")),
    )


def _video(element: etree._Element) -> VideoFilter:
    return VideoFilter(
        pixels=_range(element, "Pixels"),
        fps=_range(element, "Fps"),
        hdr=boolean(element, "hdr"),
        wcg=boolean(element, "wcg"),
    )


def _range(element: etree._Element, name: str) -> Range:
    low, high = whole(element, f"min{name}"), whole(element, f"max{name}")
    if low is not None and high is not None and low > high:
        raise InvalidCpix(f"{local(element)}@min{name} is above its max{name}")
    return Range(low, high)
