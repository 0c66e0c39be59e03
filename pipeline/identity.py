"""Names that follow from what things are: tracks, releases, revisions. Pure.

The same track always has the same id, whatever file brings it: its ISRC names it, else the
operator's own id, else the hash of its master.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalog.folding import fold

_ID_LENGTH = 20  # base32 characters: 100 bits, no two of a million million catalogs' tracks meet
_REVISION_HEX = 16


class IdentityKind(StrEnum):
    """What tells one track from another, strongest first."""

    ISRC = "isrc"
    OPERATOR = "id"
    MASTER = "sha256"


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a track this one."""

    kind: IdentityKind
    value: str


def identify(isrc: str | None, operator_id: str | None, master_sha256: str) -> Identity:
    """The strongest identity there is."""
    if isrc:
        return Identity(IdentityKind.ISRC, isrc)
    if operator_id:
        return Identity(IdentityKind.OPERATOR, operator_id)
    return Identity(IdentityKind.MASTER, master_sha256)


def track_id(tenant: str, identity: Identity) -> str:
    """The letter t and 20 base32 characters."""
    return "t" + _digest(f"{tenant}\n{identity.kind}:{identity.value}")


def release_id(tenant: str, upc: str | None, album_artist: str, album: str) -> str:
    """The letter r and 20 base32 characters: by UPC (GTIN-14), else by album artist and title."""
    if upc:
        return "r" + _digest(f"{tenant}\nupc:{upc.zfill(14)}")
    return "r" + _digest(f"{tenant}\nalbum:{fold(album_artist)}\n{fold(album)}")


def revision_id(files: Mapping[str, str], master_sha256: str, making: str = "") -> str:
    """16 hex digits from the names and SHA-256 (hex) of a revision's track files.

    The master's own hash is in it too: a retagged master whose clear files come out the same
    still makes another revision, because the package index beside them tells its tags. And so is
    `making`, what no other attempt has: two workers that make the same never write to one place,
    so that each may remove what it wrote.
    """
    lines = sorted(f"{name} {sha256}" for name, sha256 in files.items())
    lines += (
        [f"master {master_sha256}", f"making {making}"] if making else [f"master {master_sha256}"]
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_REVISION_HEX]


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:_ID_LENGTH]
