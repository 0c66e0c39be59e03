"""Document -> XML, children in the schema's order."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from lxml import etree

from drm.cpix import names
from drm.cpix.model import (
    Delivery,
    Document,
    DocumentKey,
    KeyEntry,
    KeyPeriod,
    Range,
    SealedKey,
    SystemEntry,
    UsageRule,
    VideoFilter,
)
from drm.cpix.names import cpix, ds, enc, pskc

_T = TypeVar("_T")


def write(document: Document) -> bytes:
    """Write a document as UTF-8, with an XML declaration."""
    root = etree.Element(cpix("CPIX"), nsmap=names.NAMESPACES)
    _set(root, contentId=document.content_id, name=document.name, version=document.version.value)
    _list(root, "DeliveryDataList", document.deliveries, _delivery)
    _list(root, "ContentKeyList", document.keys, _key)
    _list(root, "DRMSystemList", document.systems, _system)
    _list(root, "ContentKeyPeriodList", document.periods, _period)
    _list(root, "ContentKeyUsageRuleList", document.rules, _rule)
    return serialize(root)


def serialize(root: etree._Element) -> bytes:
    """The bytes of a tree."""
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def put_plain(key: etree._Element, value: bytes) -> None:
    """Give a ContentKey its value in the clear, in place of any it has."""
    _leaf(_new_secret(key), pskc("PlainValue"), value)


def put_sealed(key: etree._Element, sealed: SealedKey) -> None:
    """Give a ContentKey its value encrypted, in place of any it has."""
    secret = _new_secret(key)
    put_cipher(etree.SubElement(secret, pskc("EncryptedValue")), names.AES_256_CBC, sealed.cipher)
    _leaf(secret, pskc("ValueMAC"), sealed.mac)


def put_delivery_keys(
    element: etree._Element, document_keys: Iterable[DocumentKey], mac_key: bytes | None
) -> None:
    """Give a DeliveryData what its recipient opens, behind its DeliveryKey."""
    position = 1
    for one in document_keys:
        key = etree.Element(cpix("DocumentKey"), Algorithm=names.AES_256_CBC)
        _set(key, encryptsKey=" ".join(map(str, one.encrypts)) or None)
        value = etree.SubElement(_new_secret(key), pskc("EncryptedValue"))
        put_cipher(value, names.RSA_OAEP_MGF1_SHA1, one.wrapped)
        element.insert(position, key)
        position += 1
    if mac_key is not None:
        method = etree.Element(cpix("MACMethod"), Algorithm=names.HMAC_SHA512)
        put_cipher(etree.SubElement(method, pskc("MACKey")), names.RSA_OAEP_MGF1_SHA1, mac_key)
        element.insert(position, method)


def put_cipher(element: etree._Element, algorithm: str, value: bytes) -> None:
    """Fill an `enc:EncryptedDataType`. XML Encryption, 3.1."""
    etree.SubElement(element, enc("EncryptionMethod"), Algorithm=algorithm)
    _leaf(etree.SubElement(element, enc("CipherData")), enc("CipherValue"), value)


def _new_secret(key: etree._Element) -> etree._Element:
    for old in key.findall(cpix("Data")):
        key.remove(old)
    data = etree.Element(cpix("Data"))
    key.insert(0, data)
    return etree.SubElement(data, pskc("Secret"))


def _delivery(parent: etree._Element, delivery: Delivery) -> None:
    element = etree.SubElement(parent, cpix("DeliveryData"))
    _set(element, id=delivery.id, name=delivery.name)
    holder = etree.SubElement(etree.SubElement(element, cpix("DeliveryKey")), ds("X509Data"))
    _leaf(holder, ds("X509Certificate"), delivery.certificate)
    put_delivery_keys(element, delivery.document_keys, delivery.mac_key)


def _key(parent: etree._Element, key: KeyEntry) -> None:
    element = etree.SubElement(parent, cpix("ContentKey"))
    _set(
        element,
        kid=str(key.kid),
        explicitIV=None if key.explicit_iv is None else _base64(key.explicit_iv),
        dependsOnKey=None if key.depends_on is None else str(key.depends_on),
        commonEncryptionScheme=key.scheme,
        contentId=key.content_id,
    )
    if key.key is not None:
        put_plain(element, key.key)
    elif key.sealed is not None:
        put_sealed(element, key.sealed)


def _system(parent: etree._Element, system: SystemEntry) -> None:
    element = etree.SubElement(parent, cpix("DRMSystem"))
    _set(
        element,
        systemId=str(system.system),
        kid=str(system.kid),
        name=system.name,
        HLSAllowedCPC=system.allowed_cpc,
    )
    if system.pssh is not None:
        _leaf(element, cpix("PSSH"), system.pssh)
    if system.content_protection is not None:
        leaf = _leaf(element, cpix("ContentProtectionData"), system.content_protection)
        _set(leaf, robustness=system.robustness)
    for one in system.hls:
        leaf = _leaf(element, cpix("HLSSignalingData"), one.data)
        _set(leaf, playlist=one.playlist and one.playlist.value, allowedCPC=one.allowed_cpc)
    if system.smooth is not None:
        name = cpix("SmoothStreamingProtectionHeaderData")
        etree.SubElement(element, name).text = system.smooth


def _period(parent: etree._Element, period: KeyPeriod) -> None:
    _set(
        etree.SubElement(parent, cpix("ContentKeyPeriod")),
        id=period.id,
        index=period.index,
        start=_instant(period.start),
        end=_instant(period.end),
        startOffset=period.start_offset,
        endOffset=period.end_offset,
        duration=period.duration,
    )


def _rule(parent: etree._Element, rule: UsageRule) -> None:
    element = etree.SubElement(parent, cpix("ContentKeyUsageRule"))
    _set(element, kid=str(rule.kid), intendedTrackType=rule.track_type)
    for period in rule.periods:
        etree.SubElement(element, cpix("KeyPeriodFilter"), periodId=period)
    for label in rule.labels:
        etree.SubElement(element, cpix("LabelFilter"), label=label)
    for video in rule.video:
        _video(etree.SubElement(element, cpix("VideoFilter")), video)
    for audio in rule.audio:
        _range(etree.SubElement(element, cpix("AudioFilter")), "Channels", audio.channels)
    for bitrate in rule.bitrate:
        _range(etree.SubElement(element, cpix("BitrateFilter")), "Bitrate", bitrate.bps)


def _video(element: etree._Element, video: VideoFilter) -> None:
    _range(element, "Pixels", video.pixels)
    _range(element, "Fps", video.fps)
    for name, flag in (("hdr", video.hdr), ("wcg", video.wcg)):
        if flag is not None:
            element.set(name, str(flag).lower())


def _range(element: etree._Element, name: str, numbers: Range) -> None:
    _set(element, **{f"min{name}": numbers.low, f"max{name}": numbers.high})


def _list(
    root: etree._Element,
    name: str,
    entries: tuple[_T, ...],
    write_one: Callable[[etree._Element, _T], None],
) -> None:
    """A list element with its entries; none where there are none."""
    if not entries:
        return
    element = etree.SubElement(root, cpix(name))
    for entry in entries:
        write_one(element, entry)


def _set(element: etree._Element, **values: str | int | None) -> None:
    for name, value in values.items():
        if value is not None:
            element.set(name, str(value))


def _leaf(parent: etree._Element, name: str, value: bytes) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = _base64(value) or None
    return element


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
