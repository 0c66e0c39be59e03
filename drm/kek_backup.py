"""A KEK under a passphrase, to be kept apart from the catalog.

    key  = scrypt(passphrase, salt; N=2^17, r=8, p=1: 128 MiB, most of a second)   RFC 7914
    data = AES-256-GCM(key, nonce, KEK document; everything else in the file is bound)

The file is JSON, and says without the passphrase which KEK it is and in which versions.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from drm import secret_file
from drm.canonical import join
from drm.errors import KekRefused, KekUnavailable
from drm.kek import KEY_BYTES, KekVersions

MIN_PASSPHRASE = 12  # characters
_KIND = "headwater KEK backup"
_N, _R, _P = 1 << 17, 8, 1
_SALT_BYTES, _NONCE_BYTES = 16, 12


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What a backup file says."""

    kek: str
    versions: tuple[int, ...]
    salt: bytes
    nonce: bytes
    data: bytes

    def document(self) -> dict[str, object]:
        """The file's JSON object."""
        return {
            "kind": _KIND,
            "kek": self.kek,
            "versions": list(self.versions),
            "kdf": {"name": "scrypt", "n": _N, "r": _R, "p": _P, "salt": _text(self.salt)},
            "cipher": {"name": "AES-256-GCM", "nonce": _text(self.nonce)},
            "data": _text(self.data),
        }

    def bound(self) -> bytes:
        """Everything but the data."""
        return join(_KIND, secret_file.FORMAT, self.kek, *self.versions, _N, _R, _P, self.salt)


def backup(versions: KekVersions, passphrase: str) -> bytes:
    """Make the text of a backup file. KekRefused for a passphrase that is too short."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise KekRefused(f"a passphrase has at least {MIN_PASSPHRASE} characters")
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    sealed = _Sealed(versions.current.id, versions.numbers, salt, nonce, b"")
    plain = json.dumps(versions.document()).encode()
    data = _cipher(passphrase, salt).encrypt(nonce, plain, sealed.bound())
    whole = _Sealed(sealed.kek, sealed.versions, salt, nonce, data)
    document = {"format": secret_file.FORMAT, **whole.document()}
    return (json.dumps(document, indent=2) + "\n").encode("ascii")


def restore(place: Path, text: bytes, passphrase: str) -> KekVersions:
    """Open a backup. KekUnavailable for what is none, KekRefused for another passphrase."""
    sealed = _parse(place, secret_file.parse(place, text, KekUnavailable))
    cipher = _cipher(passphrase, sealed.salt)
    try:
        plain = cipher.decrypt(sealed.nonce, sealed.data, sealed.bound())
    except (InvalidTag, ValueError):  # ValueError: a nonce of an impossible length
        raise KekRefused(f"{place}: another passphrase, or the file was altered") from None
    return KekVersions.parse(place, json.loads(plain))


def _parse(place: Path, value: Mapping[str, object]) -> _Sealed:
    salt = _bytes(_inner(value, "kdf").get("salt"))
    nonce = _bytes(_inner(value, "cipher").get("nonce"))
    data = _bytes(value.get("data"))
    versions = value.get("versions")
    numbers = tuple(versions) if isinstance(versions, list) else ()
    if all(type(number) is int for number in numbers) and salt and nonce and data:
        sealed = _Sealed(str(value.get("kek")), numbers, salt, nonce, data)
        # Whatever it says otherwise, its cost too, is what we write: no file asks for all memory.
        if {"format": secret_file.FORMAT, **sealed.document()} == value:
            return sealed
    raise secret_file.malformed(place, "it is not a KEK backup", KekUnavailable)


def _inner(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _bytes(text: object) -> bytes:
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    kdf = Scrypt(salt=salt, length=KEY_BYTES, n=_N, r=_R, p=_P)
    return AESGCM(kdf.derive(passphrase.encode()))


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
