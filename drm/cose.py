"""COSE_Mac0 messages with HS256, which is all of COSE that a Common Access Token needs here.

RFC 9052, 6.2 and 6.3, in a CBOR Web Token's tag (RFC 8392, 6). `cbor2` reads and writes the CBOR;
what it would let pass (another order of tags, bytes at the end, types that have no business here)
is refused. `MalformedMessage` says why.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from io import BytesIO
from typing import cast

import cbor2

_CWT, _MAC0 = b"\xd8\x3d", b"\xd1"  # the tags 61, a CBOR Web Token, and 17, COSE_Mac0
_ALGORITHM, _KEY_ID = 1, 4  # header parameters
_HS256 = 5
_MAX_DEPTH = 4

Plain = int | str | bytes | list["Plain"] | dict[int | str, "Plain"]


class MalformedMessage(Exception):
    """Not a message that `seal` could have written, or could have with other claims."""


def seal(claims: Mapping[int, object], key_id: str, key: bytes) -> bytes:
    """Write claims as a tagged message."""
    protected = cbor2.dumps({_ALGORITHM: _HS256})
    payload = cbor2.dumps(dict(claims), canonical=True)
    message = [protected, {_KEY_ID: key_id.encode("ascii")}, payload, _mac(key, protected, payload)]
    return _CWT + _MAC0 + cbor2.dumps(message)


def open_sealed(data: bytes, keys: Mapping[str, bytes]) -> dict[int, Plain]:
    """Check a message and return its claims.

    The outer tag may be missing, as some issuers leave it out. Its key's id may be in either
    header, the algorithm only where it is protected; other parameters are refused, so that none is
    passed over that changes what the message means (`crit`).
    """
    inner = data.removeprefix(_CWT)
    if not inner.startswith(_MAC0):
        raise MalformedMessage("not a COSE_Mac0 message")
    message = _load(inner[len(_MAC0) :])
    if not isinstance(message, list) or len(message) != 4:
        raise MalformedMessage("not four parts")
    protected, unprotected, payload, mac = message
    if not (isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(mac, bytes)):
        raise MalformedMessage("a part is not bytes")
    key = keys.get(_key_id(_load(protected) if protected else {}, unprotected))
    if key is None:
        raise MalformedMessage("signed with an unknown key")
    if not hmac.compare_digest(_mac(key, protected, payload), mac):
        raise MalformedMessage("the signature does not match")
    claims = _load(payload)
    if not isinstance(claims, dict) or not all(type(name) is int for name in claims):
        raise MalformedMessage("the claims are not a map of numbers")
    return {name: value for name, value in claims.items() if isinstance(name, int)}


def _key_id(protected: Plain, unprotected: Plain) -> str:
    if not isinstance(protected, dict) or not isinstance(unprotected, dict):
        raise MalformedMessage("a header is not a map")
    if protected.get(_ALGORITHM) != _HS256 or len(protected) + len(unprotected) != 2:
        raise MalformedMessage("not HS256 and a key id, and no more")
    key_id = protected.get(_KEY_ID, unprotected.get(_KEY_ID))
    if not isinstance(key_id, bytes):
        raise MalformedMessage("it names no key")
    return key_id.decode("ascii", "replace")


def _mac(key: bytes, protected: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, cbor2.dumps(["MAC0", protected, b"", payload]), "sha256")


def _load(data: bytes) -> Plain:
    """Read one value of types that have a business here, and nothing behind it."""
    source = BytesIO(data)
    try:
        value: object = cbor2.CBORDecoder(
            source,
            read_size=1,  # so that it does not read beyond the value
            max_depth=_MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        ).decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        raise MalformedMessage("not CBOR that is taken here") from None
    if source.tell() != len(data) or not _is_plain(value):
        raise MalformedMessage("not CBOR that is taken here")
    return cast("Plain", value)


def _is_plain(value: object, depth: int = 0) -> bool:
    """Whether a value is of integers, texts, bytes, lists and maps: no tag, float or truth."""
    if depth > _MAX_DEPTH:  # a shared reference can be its own part
        return False
    if type(value) is list:
        return all(_is_plain(one, depth + 1) for one in value)
    if type(value) is dict:
        return all(
            type(name) in {int, str} and _is_plain(one, depth + 1) for name, one in value.items()
        )
    return type(value) in {int, str, bytes}
