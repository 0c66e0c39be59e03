"""The secrets that tokens are signed with, and the file they rest in (JSON, mode 0600).

Each use has keys of its own, so that a playback token can never pass for an access token. While
a key is being replaced the file holds the old and the new one: `current` signs, all verify.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from drm import secret_file
from drm.errors import SecretUnavailable

_KEY_ID = re.compile(r"[a-z0-9]{1,16}")  # stands in URLs, between dots


class TokenKeysUnavailable(SecretUnavailable):
    """There are no secrets to sign or check tokens with."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of one use: one signs, all of them verify."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)  # key id -> 32 bytes

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError("`current` names no key")
        if not all(_KEY_ID.fullmatch(name) for name in self.keys):
            raise ValueError("a key id is 1 to 16 lower-case letters and digits")
        if any(len(key) < 32 for key in self.keys.values()):
            raise ValueError("a signing key has at least 32 bytes")


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """The signing keys of each kind of token."""

    playback: SigningKeys
    access: SigningKeys

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Read the file, first making one with random keys if `create` and there is none.

        TokenKeysUnavailable when it is missing, malformed, or readable by others.
        """
        if create:
            secret_file.create(path, _new_file, TokenKeysUnavailable)
        value = secret_file.read(path, TokenKeysUnavailable)
        return cls(_parse(path, value, "playback"), _parse(path, value, "access"))


def open_cat_keys(path: Path) -> SigningKeys:
    """Read the keys of Common Access Tokens, first making some if there are none.

    In a file of their own: whoever else issues or checks such tokens has them, too.
    """
    secret_file.create(path, lambda: {"cat": _new_keys()}, TokenKeysUnavailable)
    return _parse(path, secret_file.read(path, TokenKeysUnavailable), "cat")


def _parse(path: Path, value: dict[str, object], use: str) -> SigningKeys:
    section = value.get(use)
    keys = section.get("keys") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(keys, dict):
        raise secret_file.malformed(path, f"no `{use}.keys`", TokenKeysUnavailable)
    found: dict[str, bytes] = {}
    for name, text in keys.items():
        key = secret_file.secret_bytes(text)
        if key is None:
            raise secret_file.malformed(
                path, f"`{use}.keys.{name}` is not 64 hex digits", TokenKeysUnavailable
            )
        found[name] = key
    try:
        return SigningKeys(str(section.get("current")), found)
    except ValueError as exc:
        raise secret_file.malformed(path, f"`{use}`: {exc}", TokenKeysUnavailable) from exc


def _new_file() -> dict[str, object]:
    return {"playback": _new_keys(), "access": _new_keys()}


def _new_keys() -> dict[str, object]:
    key_id = secrets.token_hex(3)
    return {"current": key_id, "keys": {key_id: secrets.token_hex(32)}}
