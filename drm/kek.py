"""The key-encryption key (KEK): what content keys rest under, and the local file that holds one.

A random 96-bit nonce allows 2**32 wraps per KEK version (NIST SP 800-38D, 8.3); a catalog of
30 million tracks in three tiers uses 2% of that.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from drm import secret_file
from drm.canonical import join
from drm.errors import KekUnavailable, WrongKek

_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_NONCE_BYTES = 12  # what GCM is made for


@dataclass(frozen=True, slots=True)
class Kek:
    """The name of a KEK. Its bytes stay with the provider."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A secret as a KEK left it."""

    kek: Kek
    nonce: bytes
    data: bytes  # ciphertext and 16-byte tag


class KekProvider(Protocol):
    """Wraps and unwraps small secrets. Calls may be concurrent."""

    def current(self) -> Kek:
        """Name the KEK that new secrets are wrapped by."""
        ...

    def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt, bound to `aad` and to the KEK's own id and version."""
        ...

    def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt. WrongKek for another KEK, other `aad` or any altered byte."""
        ...


class LocalKek:
    """A KEK in a local file (JSON, mode 0600), in one or several versions: AES-256-GCM."""

    def __init__(self, kek_id: str, current: int, versions: Mapping[int, bytes]) -> None:
        self._current = Kek(kek_id, current)
        self._ciphers = {version: AESGCM(key) for version, key in versions.items()}

    def __repr__(self) -> str:
        """Show everything but the keys."""
        return f"LocalKek({self._current.id!r}, versions={sorted(self._ciphers)})"

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Read the file, first making one with a random KEK if `create` and there is none.

        KekUnavailable when it is missing, malformed, or readable by others.
        """
        if create:
            secret_file.create(path, _new_file, KekUnavailable)
        return cls._parse(path, secret_file.read(path, KekUnavailable))

    @classmethod
    def _parse(cls, path: Path, value: dict[str, object]) -> Self:
        kek_id, current, versions = value.get("id"), value.get("current"), value.get("versions")
        if not isinstance(kek_id, str) or not kek_id or not isinstance(versions, dict):
            raise secret_file.malformed(path, "no `id` and `versions`", KekUnavailable)
        keys: dict[int, bytes] = {}
        for name, text in versions.items():
            key = secret_file.secret_bytes(text)
            if key is None or not _VERSION.fullmatch(name):
                raise secret_file.malformed(
                    path, f"version {name!r} is not 64 hex digits under a number", KekUnavailable
                )
            keys[int(name)] = key
        if type(current) is not int or current not in keys:
            raise secret_file.malformed(path, "`current` names no version", KekUnavailable)
        return cls(kek_id, current, keys)

    def current(self) -> Kek:
        """Name the KEK that new secrets are wrapped by."""
        return self._current

    def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt under the current version with a fresh random nonce."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        kek = self._current
        data = self._ciphers[kek.version].encrypt(nonce, plain, _bound(aad, kek))
        return Wrapped(kek, nonce, data)

    def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt under whichever of our versions it was wrapped by."""
        kek = wrapped.kek
        if kek.id != self._current.id:
            raise WrongKek(kek.id, kek.version, f"the KEK file holds {self._current.id}")
        cipher = self._ciphers.get(kek.version)
        if cipher is None:
            raise WrongKek(kek.id, kek.version, "the KEK file does not hold that version")
        try:
            return cipher.decrypt(wrapped.nonce, wrapped.data, _bound(aad, kek))
        except (InvalidTag, ValueError):  # ValueError: a nonce of an impossible length
            problem = "it does not open: another KEK, or the row was altered"
            raise WrongKek(kek.id, kek.version, problem) from None


def _bound(aad: bytes, kek: Kek) -> bytes:
    return join(aad, kek.id, kek.version)


def _new_file() -> dict[str, object]:
    return {
        "id": f"local-{secrets.token_hex(4)}",
        "current": 1,
        "versions": {"1": secrets.token_hex(32)},
    }
