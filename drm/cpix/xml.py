"""XML from strangers, read with nothing switched on, and the texts and attributes in it."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from uuid import UUID

from lxml import etree

from drm.cpix.errors import InvalidCpix, MalformedXml
from packager.model import Kid

MAX_BYTES = 1 << 20
_UTF_8 = frozenset((b"UTF-8", b"US-ASCII", b"ASCII"))
_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*encoding\s*=\s*[\"']([^\"'>]*)")
_HEX = "[0-9a-fA-F]"
_UUID = re.compile(rf"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}")
_WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}  # xs:boolean
_SPACE = str.maketrans("", "", " \t\r\n")


def parse_xml(data: bytes) -> etree._Element:
    """Read a document. MalformedXml for more than 1 MiB, another encoding than UTF-8 or any DTD.

    Comments stay in the tree, so that `text` can see one that splits a value.
    """
    if len(data) > MAX_BYTES:
        raise MalformedXml(f"a document may have {MAX_BYTES} bytes")
    declared = _ENCODING.match(data)
    if declared is not None and declared[1].upper() not in _UTF_8:
        raise MalformedXml("the document says that it is not UTF-8")
    # Before any parser sees it: no DTD, so no entities.
    if b"<!DOCTYPE" in data:
        raise MalformedXml("a document type declaration is not allowed")
    try:
        data.decode("utf-8")
        return etree.fromstring(data, _parser())
    except UnicodeDecodeError:
        raise MalformedXml("the document is not UTF-8") from None
    except (etree.XMLSyntaxError, ValueError):
        raise MalformedXml("the document is not well-formed XML") from None


def _parser() -> etree.XMLParser:
    # One per document: lxml's parsers are not to be shared between threads at work.
    return etree.XMLParser(
        encoding="utf-8",  # whatever the document says: UTF-7 could hide a DTD
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
    )


def children(element: etree._Element, name: str | None = None) -> Iterator[etree._Element]:
    """The child elements, of one name or of any; comments are passed over."""
    for child in element.iterchildren(tag=etree.Element):
        if name is None or child.tag == name:
            yield child


def only_child(element: etree._Element, name: str) -> etree._Element | None:
    """The child of that name, None where there is none. InvalidCpix for two."""
    found = list(children(element, name))
    if len(found) > 1:
        raise InvalidCpix(f"{local(found[1])} occurs more than once in {local(element)}")
    return found[0] if found else None


def local(element: etree._Element) -> str:
    """An element's name, for messages."""
    return str(etree.QName(element).localname)


def text(element: etree._Element) -> str:
    """All text of an element that has no children. InvalidCpix for one that something splits."""
    if len(element):
        raise InvalidCpix(f"{local(element)} holds more than text")
    return (element.text or "").strip()


def binary(element: etree._Element) -> bytes:
    """The bytes that an element's base64 stands for; empty where it is empty."""
    return decode(text(element), local(element))


def decode(value: str, name: str) -> bytes:
    """Bytes of xs:base64Binary, which may be broken into lines."""
    try:
        return b64decode(value.translate(_SPACE), validate=True)
    except ValueError:
        raise InvalidCpix(f"{name} is not base64") from None


def attribute(element: etree._Element, name: str) -> str:
    """A required attribute, not empty."""
    value = element.get(name)
    if not value:
        raise InvalidCpix(f"Missing {local(element)}@{name}")
    return value


def kid(element: etree._Element, name: str = "kid") -> Kid:
    """A required key id."""
    return parse_kid(attribute(element, name), f"{local(element)}@{name}")


def parse_kid(value: str, name: str) -> Kid:
    """A key id that stands in an attribute of this name."""
    return Kid(parse_uuid(value, name).bytes)


def parse_uuid(value: str, name: str) -> UUID:
    """A UUID with hyphens, in either case."""
    if not _UUID.fullmatch(value):
        raise InvalidCpix(f"{name} is not a UUID")
    return UUID(value)


def whole(element: etree._Element, name: str) -> int | None:
    """An optional attribute that counts something."""
    value = element.get(name)
    if value is None:
        return None
    if not _WHOLE.fullmatch(value.strip()):
        raise InvalidCpix(f"{local(element)}@{name} is not a whole number")
    return int(value)


def boolean(element: etree._Element, name: str) -> bool | None:
    """An optional xs:boolean."""
    value = element.get(name)
    if value is None:
        return None
    if value.strip() not in _BOOLEANS:
        raise InvalidCpix(f"{local(element)}@{name} is neither true nor false")
    return _BOOLEANS[value.strip()]
