"""The key-encryption key (KEK): what content keys rest under, and what every provider of one does.

A KEK has a name for life and versions that are counted up. New keys are wrapped by its current
version; older ones open what they wrapped until they are retired. `LocalKek` keeps it in a file.
Others: `kek_env`, `kek_aws`, `kek_vault`.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from drm import secret_file
from drm.canonical import join
from drm.errors import KekRefused, KekUnavailable, WrongKek

_log = logging.getLogger(__name__)

KEY_BYTES = 32  # AES-256
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_NONCE_BYTES = 12  # what GCM is made for
# How long a running process may open keys with a version that was retired; the origin keeps opened
# keys for half a second more.
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Kek:
    """The name of one version of a KEK. Its bytes stay with the provider."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A secret as a KEK left it."""

    kek: Kek
    nonce: bytes  # empty where the provider keeps it inside `data`
    data: bytes  # ciphertext and 16-byte tag, or what a key service made


class KekProvider(Protocol):
    """Wraps and unwraps small secrets. Calls may be concurrent.

    Any of them raises KekAway where a key service does not answer, and KekUnavailable where it
    answers that it will not, or where the file cannot be used.
    """

    @property
    def id(self) -> str:
        """The name that all its versions share."""
        ...

    async def current(self) -> Kek:
        """Name the version that new secrets are wrapped by."""
        ...

    async def versions(self) -> tuple[int, ...]:
        """The versions that still open what they wrapped, oldest first."""
        ...

    async def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt by the current version, bound to `aad` and to the KEK's id and version."""
        ...

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt. WrongKek for another KEK, other `aad` or any altered byte."""
        ...

    async def rotate(self) -> Kek:
        """Make a new version and name it: the current one from here on. KekRefused if it cannot."""
        ...

    async def retire(self, version: int) -> None:
        """Make an old version open nothing any more. KekRefused for the current one."""
        ...


class KekVersions:
    """A KEK at hand, in one or several versions: AES-256-GCM."""

    def __init__(self, kek_id: str, current: int, versions: Mapping[int, bytes]) -> None:
        self.current = Kek(kek_id, current)
        self._keys = dict(versions)
        self.numbers = tuple(sorted(versions))  # the versions that are there, oldest first
        self._ciphers = {version: AESGCM(key) for version, key in versions.items()}

    def __repr__(self) -> str:
        """Show everything but the keys."""
        return f"KekVersions({self.current.id!r}, versions={list(self.numbers)})"

    @classmethod
    def new(cls) -> Self:
        """Make a random one under a random name."""
        return cls(f"local-{secrets.token_hex(4)}", 1, {1: secrets.token_bytes(KEY_BYTES)})

    @classmethod
    def parse(cls, place: Path | str, value: Mapping[str, object]) -> Self:
        """Read the document that files and variables hold; KekUnavailable says what is wrong."""
        kek_id, current, versions = value.get("id"), value.get("current"), value.get("versions")
        if not isinstance(kek_id, str) or not kek_id or not isinstance(versions, dict):
            raise secret_file.malformed(place, "no `id` and `versions`", KekUnavailable)
        keys: dict[int, bytes] = {}
        for name, text in versions.items():
            key = secret_file.secret_bytes(text)
            if key is None or not _VERSION.fullmatch(name):
                raise secret_file.malformed(
                    place, f"version {name!r} is not 64 hex digits under a number", KekUnavailable
                )
            keys[int(name)] = key
        if type(current) is not int or current not in keys:
            raise secret_file.malformed(place, "`current` names no version", KekUnavailable)
        return cls(kek_id, current, keys)

    def document(self) -> dict[str, object]:
        """The document that `parse` reads. It holds the keys."""
        versions = {str(number): self._keys[number].hex() for number in self.numbers}
        return {"id": self.current.id, "current": self.current.version, "versions": versions}

    def rotated(self) -> Self:
        """The same KEK with one more version, the current one from here on."""
        number = self.numbers[-1] + 1
        return type(self)(
            self.current.id, number, {**self._keys, number: secrets.token_bytes(KEY_BYTES)}
        )

    def without(self, version: int) -> Self:
        """The same KEK without an old version. KekRefused for the current one."""
        if version == self.current.version:
            raise KekRefused(f"version {version} is the current one (rotate first)")
        keys = {number: key for number, key in self._keys.items() if number != version}
        return type(self)(self.current.id, self.current.version, keys)

    def joined(self, other: KekVersions) -> Self:
        """The versions of both. KekRefused where they are not of one KEK."""
        if other.current.id != self.current.id:
            raise KekRefused(f"that is KEK {other.current.id}, here is {self.current.id}")
        for number in self._keys.keys() & other._keys.keys():
            if not secrets.compare_digest(self._keys[number], other._keys[number]):
                raise KekRefused(f"both hold a version {number}, and these differ")
        keys = self._keys | other._keys
        return type(self)(self.current.id, max(keys), keys)

    def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt under the current version with a fresh random nonce."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        kek = self.current
        data = self._ciphers[kek.version].encrypt(nonce, plain, _bound(aad, kek))
        return Wrapped(kek, nonce, data)

    def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt under whichever of the versions it was wrapped by."""
        kek = wrapped.kek
        if kek.id != self.current.id:
            raise WrongKek(kek.id, kek.version, f"the KEK at hand is {self.current.id}")
        cipher = self._ciphers.get(kek.version)
        if cipher is None:
            raise WrongKek(kek.id, kek.version, "the KEK at hand does not have that version")
        try:
            return cipher.decrypt(wrapped.nonce, wrapped.data, _bound(aad, kek))
        except (InvalidTag, ValueError):  # ValueError: a nonce of an impossible length
            problem = "it does not open: another KEK, or the row was altered"
            raise WrongKek(kek.id, kek.version, problem) from None


class LocalKek:
    """A KEK in a local file (JSON, mode 0600).

    Whenever the file was replaced it is read again: a process that runs sees a rotation at once.
    """

    def __init__(self, path: Path) -> None:
        """Read the file. KekUnavailable when it is missing, malformed, or readable by others."""
        self._path = path
        self._seen = _signature(path)
        self._held = _read(path)
        self._look_at = 0.0  # time.monotonic()

    def __repr__(self) -> str:
        """Show everything but the keys."""
        return f"LocalKek({self._held.current.id!r}, versions={list(self._held.numbers)})"

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Read the file, first making one with a random KEK if `create` and there is none."""
        if create:
            secret_file.create(path, KekVersions.new().document, KekUnavailable)
        return cls(path)

    @classmethod
    def restore(cls, path: Path, versions: KekVersions) -> Self:
        """Put versions of a backup into the file, which is made if there is none.

        KekRefused where the file holds another KEK, or another key under the same version.
        """
        with _locked(path):
            if path.exists():
                versions = _read(path).joined(versions)
            secret_file.replace(path, versions.document(), KekUnavailable)
        return cls(path)

    def export(self) -> KekVersions:
        """The KEK itself, for a backup."""
        return self._newest()

    @property
    def id(self) -> str:
        """The name that all its versions share."""
        return self._held.current.id

    async def current(self) -> Kek:
        """Name the version that new secrets are wrapped by."""
        return self._newest().current

    async def versions(self) -> tuple[int, ...]:
        """The versions in the file."""
        return self._newest().numbers

    async def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt by the current version of the file as it is now."""
        return self._newest().wrap(plain, aad)

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt. While the file cannot be used, by what it held before: players go on."""
        now = time.monotonic()
        if now >= self._look_at or wrapped.kek.version not in self._held.numbers:
            self._look_at = now + _LOOK_S
            try:
                self._newest()
            except KekUnavailable as exc:
                _log.warning("still opening keys with what the file held before: %s", exc)
        return self._held.unwrap(wrapped, aad)

    async def rotate(self) -> Kek:
        """Write a new version to the file."""
        with _locked(self._path):
            self._replace(_read(self._path).rotated())
        return self._held.current

    async def retire(self, version: int) -> None:
        """Remove an old version from the file, for good."""
        with _locked(self._path):
            self._replace(_read(self._path).without(version))

    def _replace(self, versions: KekVersions) -> None:
        secret_file.replace(self._path, versions.document(), KekUnavailable)
        self._seen = _signature(self._path)
        self._held = versions

    def _newest(self) -> KekVersions:
        seen = _signature(self._path)
        if seen != self._seen:
            held = _read(self._path)
            if held.current.id != self.id:
                problem = f"it holds another KEK now ({held.current.id}, it was {self.id})"
                raise KekUnavailable(self._path, problem, "put the old one back, or start again")
            self._held = held
            self._seen = seen
        return self._held


def _read(path: Path) -> KekVersions:
    return KekVersions.parse(path, secret_file.read(path, KekUnavailable))


def _signature(path: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is replaced; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time changes the file; what one that was killed left over is removed."""
    try:
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        problem = f"cannot be changed: {exc.strerror}"
        raise KekUnavailable(path, problem, "check its folder") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        secret_file.remove_drafts(path)
        yield
    finally:
        os.close(descriptor)


def _bound(aad: bytes, kek: Kek) -> bytes:
    return join(aad, kek.id, kek.version)
