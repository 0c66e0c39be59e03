"""JSON Web Key Sets: the public keys of an identity provider. RFC 7517, RFC 8037.

Each key is pinned to one algorithm here, before any token is seen: the one that it names, or the
only one that we take for its type. Nothing in a token can choose another.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import AllowedPublicKeys

from drm.jwt_form import unique_members

_log = logging.getLogger(__name__)

# (kty, crv) -> the algorithm that its keys verify.
_ALGORITHMS: Mapping[tuple[str, str | None], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
ALGORITHMS = tuple(_ALGORITHMS.values())
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192  # beyond, checking a signature is a load of its own
_MAX_BYTES = 256 << 10
_MAX_KEYS = 100
_KEY_ID = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}", re.ASCII)
_SECRET_MEMBERS = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))

KeyName = tuple[str, str]  # `kid` and algorithm: sets with one `kid` for two types exist


class InvalidKeySet(Exception):
    """A document that is no key set, or has no key that we take. The message says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key and the only algorithm that it is used with."""

    kid: str
    algorithm: str
    key: AllowedPublicKeys = field(repr=False)


def parse(body: bytes, algorithms: Collection[str]) -> dict[KeyName, PublicKey]:
    """Read the keys that verify signatures by one of these algorithms; others are left out.

    InvalidKeySet if nothing is left.
    """
    members = _members(body)
    found: dict[KeyName, PublicKey] = {}
    twice: set[KeyName] = set()
    for member in members:
        try:
            key = _key(member, algorithms)
        except (_Unusable, jwt.PyJWTError, ValueError, TypeError) as exc:
            # Its text may be made of the document: the class says enough.
            reason = exc if isinstance(exc, _Unusable) else type(exc).__name__
            _log.warning("identity provider: a key is left out: %s", reason)
            continue
        name = key.kid, key.algorithm
        if name in found:
            twice.add(name)
        found[name] = key
    for name in twice:  # which of them is meant, nobody can tell
        _log.warning("identity provider: two keys of one name are left out")
        del found[name]
    if not found:
        raise InvalidKeySet("it has no key that may be used here")
    return found


class _Unusable(Exception):
    pass


def _members(body: bytes) -> list[object]:
    if len(body) > _MAX_BYTES:
        raise InvalidKeySet(f"it is larger than {_MAX_BYTES} bytes")
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=unique_members)
    except (ValueError, RecursionError):
        raise InvalidKeySet("it is not JSON") from None
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(members) > _MAX_KEYS:
        raise InvalidKeySet(f"it is not a key set of up to {_MAX_KEYS} keys")
    return members


def _key(member: object, algorithms: Collection[str]) -> PublicKey:
    if not isinstance(member, dict):
        raise _Unusable("it is not an object")
    if _SECRET_MEMBERS & member.keys():  # whoever can read the set can sign with it
        raise _Unusable("it is a secret")
    kid = member.get("kid")
    if not isinstance(kid, str) or not _KEY_ID.fullmatch(kid):
        raise _Unusable("it has no `kid`")
    _check_use(member)
    algorithm = _ALGORITHMS.get((str(member.get("kty")), member.get("crv")))
    if algorithm is None or member.get("alg", algorithm) != algorithm:
        raise _Unusable("its type and algorithm are not taken here")
    if algorithm not in algorithms:
        raise _Unusable(f"{algorithm} is not among the algorithms of the settings")
    key = jwt.PyJWK(member, algorithm).key
    if isinstance(key, RSAPublicKey):
        _check_rsa(key)
    return PublicKey(kid, algorithm, key)


def _check_use(member: Mapping[str, object]) -> None:
    if member.get("use", "sig") != "sig":
        raise _Unusable("it is not for signatures")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _Unusable("it is not for verifying")


def _check_rsa(key: RSAPublicKey) -> None:
    if not _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
        raise _Unusable(f"RSA of {key.key_size} bits")
    if key.public_numbers().e < 65537:  # NIST SP 800-56B: larger than 2^16
        raise _Unusable("RSA with a small exponent")
