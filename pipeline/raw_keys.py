"""Keys that people bring along: on the command line, or in a YAML file.

No message of this module repeats what it read: it may be a key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from packager.model import Kid, Scheme, TrackProtection
from pipeline.errors import WrongRequest

_KEY_BYTES = 16
_IV_BYTES = {Scheme.CBCS: 16, Scheme.CENC: 8, Scheme.AES_128: 16}
_FIELDS = frozenset(("kid", "key", "iv"))
_SHAKA_FIELDS = {"key_id": "kid", "key": "key", "iv": "iv"}


@dataclass(frozen=True, slots=True)
class RawKey:
    """A content key as it was given."""

    kid: Kid
    key: bytes = field(repr=False)
    iv: bytes | None = field(default=None, repr=False)

    def protection(self, scheme: Scheme, content: bytes, number: int) -> TrackProtection:
        """How an input is encrypted; `content` is its SHA-256, `number` its place among all.

        Without an IV one is derived from the key, so that equal input gives equal bytes. The
        constant IV of `cbcs` is one for each key, as FairPlay delivers them together. `cenc`
        counts (AES-CTR): its first IV follows from the content too, so audio that changed never
        meets the counters of before; so does that of `aes-128`, whose segments begin alike. One
        that was given is the first input's; each other `cenc` input counts from 2**32 further on.
        """
        size = _IV_BYTES[scheme]
        if self.iv is None:
            text = b"headwater iv\0" + scheme.value.encode() + self.kid.value
            text += b"" if scheme is Scheme.CBCS else content
            iv = hmac.digest(self.key, text, hashlib.sha256)[:size]
            return TrackProtection(scheme, self.kid, self.key, iv)
        if len(self.iv) != size:
            raise WrongRequest(f"{scheme.value} takes an IV of {size} bytes, not {len(self.iv)}")
        iv = self.iv
        if scheme is Scheme.CENC:
            first = (int.from_bytes(iv, "big") + (number << 32)) % (1 << 8 * size)
            iv = first.to_bytes(size, "big")
        return TrackProtection(scheme, self.kid, self.key, iv)


@dataclass(frozen=True, slots=True)
class RawKeys:
    """Which key is whose: an input's own counts before its tier's, that before everybody's."""

    default: RawKey | None = None
    tiers: Mapping[str, RawKey] = field(default_factory=dict)
    inputs: Mapping[str, RawKey] = field(default_factory=dict)  # by file name

    def __bool__(self) -> bool:
        """Whether there is any key."""
        return bool(self.default or self.tiers or self.inputs)

    def of(self, file_name: str, tier: str) -> RawKey | None:
        """The key of an input."""
        return self.inputs.get(file_name) or self.tiers.get(tier) or self.default

    def merged(self, other: RawKeys) -> RawKeys:
        """Both; where they disagree, the other one's."""
        return RawKeys(
            other.default or self.default,
            {**self.tiers, **other.tiers},
            {**self.inputs, **other.inputs},
        )


def parse_key(text: str) -> RawKeys:
    """`KID:KEY[:IV]`, or Shaka Packager's `label=LABEL:key_id=KID:key=KEY[:iv=IV]`."""
    parts = text.split(":")
    if "=" not in text:
        if len(parts) not in {2, 3}:
            raise WrongRequest("--key: KID:KEY or KID:KEY:IV is wanted, in hexadecimal digits")
        return RawKeys(_key("--key", dict(zip(("kid", "key", "iv"), parts, strict=False))))
    named = dict(part.partition("=")[::2] for part in parts)
    label = named.pop("label", "")
    if not set(named) <= set(_SHAKA_FIELDS):
        raise WrongRequest("--key: label, key_id, key and iv are the fields there are")
    key = _key("--key", {_SHAKA_FIELDS[name]: value for name, value in named.items()})
    return RawKeys(tiers={label: key}) if label else RawKeys(key)


def read_key_file(path: Path) -> RawKeys:
    """A YAML file with `default`, `tiers` and `inputs`; each key has `kid`, `key`, maybe `iv`."""
    try:
        document = yaml.safe_load(path.read_text())
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise WrongRequest(f"{path}:{line}: this is not YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise WrongRequest(f"{path}: this is not YAML") from None
    if not isinstance(document, dict) or not set(document) <= {"default", "tiers", "inputs"}:
        raise WrongRequest(f"{path}: a mapping of default, tiers and inputs is wanted")
    default = document.get("default")
    return RawKeys(
        _key(f"{path}: default", default) if default is not None else None,
        _keys(f"{path}: tiers", document.get("tiers")),
        _keys(f"{path}: inputs", document.get("inputs")),
    )


def _keys(where: str, value: object) -> dict[str, RawKey]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WrongRequest(f"{where}: a mapping is wanted")
    return {str(name): _key(f"{where}.{name}", one) for name, one in value.items()}


def _key(where: str, value: object) -> RawKey:
    if not isinstance(value, dict) or not {"kid", "key"} <= set(value) <= _FIELDS:
        raise WrongRequest(f"{where}: kid and key are wanted, and iv if there is one")
    kid, key = _hex(f"{where}: kid", value["kid"]), _hex(f"{where}: key", value["key"])
    for name, data in (("kid", kid), ("key", key)):
        if len(data) != _KEY_BYTES:
            raise WrongRequest(f"{where}: {name}: 32 hexadecimal digits are wanted")
    iv = value.get("iv")
    return RawKey(Kid(kid), key, None if iv is None else _hex(f"{where}: iv", iv))


def _hex(where: str, value: object) -> bytes:
    """Hexadecimal digits, with or without the dashes of a UUID.

    YAML reads digits alone as a number, and may drop zeros in front of it.
    """
    if not isinstance(value, str):
        raise WrongRequest(f"{where}: hexadecimal digits in quotes are wanted")
    try:
        return bytes.fromhex(value.strip().replace("-", ""))
    except ValueError:
        raise WrongRequest(f"{where}: hexadecimal digits are wanted") from None
