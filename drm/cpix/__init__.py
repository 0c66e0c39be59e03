"""CPIX 2.3 and 2.4: documents that carry content keys and what key systems are told of them.

`read` and `write` turn XML from and into the frozen values of `model`; a document that breaks a
rule does not become a value. `envelope` is the encrypted document mode, both ways. `export`
makes documents of our keys. SPEKE, which sends such documents to and fro, is `drm.speke`.

What is supported stands in docs/cpix.md. Start reading at `model`.
"""

from __future__ import annotations

from drm.cpix.envelope import Identity, Recipients, seal_document
from drm.cpix.errors import CpixError, InvalidCpix, MalformedXml, SealedKeysRefused
from drm.cpix.export import TierKey, document_for
from drm.cpix.model import Document, Version
from drm.cpix.read import read
from drm.cpix.write import write

__all__ = [
    "CpixError",
    "Document",
    "Identity",
    "InvalidCpix",
    "MalformedXml",
    "Recipients",
    "SealedKeysRefused",
    "TierKey",
    "Version",
    "document_for",
    "read",
    "seal_document",
    "write",
]
