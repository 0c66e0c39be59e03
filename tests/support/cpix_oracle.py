"""The PyPI package `cpix` as an oracle: its schema and its parser, which is not a hardened one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from lxml import etree

with warnings.catch_warnings():
    # It looks for its files with pkg_resources, and leaves them open.
    warnings.simplefilter("ignore")
    import cpix

_XS = "{http://www.w3.org/2001/XMLSchema}"
# What the bundled schema, of an early 2.3, does not have: attributes of a type ...
_ADDED = {
    "ContentKeyType": ("commonEncryptionScheme", "contentId"),
    "DocumentKeyType": ("encryptsKey",),
    "ContentKeyPeriodType": ("startOffset", "endOffset", "duration"),
    "DRMSystemType": ("HLSAllowedCPC",),
}


def schema(*, multivariant: bool) -> etree.XMLSchema:
    """The package's schema with the attributes of CPIX 2.3 and 2.4 that came after it.

    `multivariant`: with 2.4's name for a playlist in place of 2.3's.
    """
    path = Path(cpix.__file__).parent / "schema" / "cpix.xsd"
    tree = etree.parse(str(path))
    for element in tree.iter(f"{_XS}complexType"):
        holder = next(element.iter(f"{_XS}extension"), element)
        for name in _ADDED.get(element.get("name", ""), ()):
            etree.SubElement(holder, f"{_XS}attribute", name=name, type="xs:string")
    for element in tree.iter(f"{_XS}attribute"):
        # A filter refers to a period: as an ID it could not stand in two rules.
        if element.get("name") == "periodId":
            element.set("type", "xs:string")
    for element in tree.iter(f"{_XS}enumeration"):
        if multivariant and element.get("value") == "master":
            element.set("value", "multiVariant")
    return etree.XMLSchema(tree)


def parse(data: bytes) -> Any:
    """What that package reads in a document."""
    return cpix.parse(data)
