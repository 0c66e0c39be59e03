"""W3C Clear Key: license requests and licenses. Encrypted Media Extensions, 9.1.3 and 9.1.4.

This is access control, not DRM: whoever may hear a track is given its key in the clear. A license
that is kept has no end that anybody could enforce: whether one is given is the policy's to say.
"""

from __future__ import annotations

import json
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from drm.errors import MalformedRequest
from drm.model import ContentKey
from packager.model import Kid

MAX_REQUEST_BYTES = 8 << 10
_SMALL_BYTES = 256  # of a request that is remembered
_MAX_KIDS = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# 16 bytes in base64: the last character carries two bits.
_KID = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]", re.ASCII)


class SessionType(StrEnum):
    """What a license is for: playing now, or keeping. MediaKeySessionType."""

    TEMPORARY = "temporary"
    PERSISTENT = "persistent-license"


@dataclass(frozen=True, slots=True)
class LicenseRequest:
    """The keys a player asks for, each once, in its order."""

    kids: tuple[Kid, ...]
    type: SessionType


def parse_request(body: bytes) -> LicenseRequest:
    """Read a license request by its content: players send it under any Content-Type, or none.

    MalformedRequest for anything but UTF-8 JSON with 1 to 16 KIDs and a type that there is.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise MalformedRequest(f"a license request is at most {MAX_REQUEST_BYTES} bytes")
    return _parse_small(body) if len(body) <= _SMALL_BYTES else _parse(body)


def _parse(body: bytes) -> LicenseRequest:
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedRequest("the license request is not UTF-8 JSON") from None
    kids = value.get("kids") if isinstance(value, dict) else None
    if not isinstance(kids, list) or not 1 <= len(kids) <= _MAX_KIDS:
        raise MalformedRequest(f"`kids` must be a list of 1 to {_MAX_KIDS} key ids")
    try:
        kind = SessionType(value.get("type", SessionType.TEMPORARY))
    except ValueError:
        raise MalformedRequest("`type` must be temporary or persistent-license") from None
    return LicenseRequest(tuple(dict.fromkeys(map(_kid, kids))), kind)


# Whoever plays a track asks with the same bytes: reading them takes a tenth of a license's time.
_parse_small = lru_cache(maxsize=4096)(_parse)


def license(  # noqa: A001 - the spec's word
    keys: Iterable[ContentKey], session_type: SessionType = SessionType.TEMPORARY
) -> bytes:
    """Write the license that gives these keys: a JWK Set."""
    return license_of(map(jwk, keys), session_type)


def license_of(jwks: Iterable[str], session_type: SessionType = SessionType.TEMPORARY) -> bytes:
    """The same, of keys that are written already."""
    return f'{{"keys":[{",".join(jwks)}],"type":"{session_type}"}}'.encode()


def jwk(key: ContentKey) -> str:
    """Write one key as a JSON Web Key (RFC 7517)."""
    # By hand, which takes a third of the time: base64url needs no escaping.
    return f'{{"kty":"oct","kid":"{_encode(key.kid.value)}","k":"{_encode(key.key)}"}}'


def _kid(text: object) -> Kid:
    # dash.js strips the padding of plain base64 but leaves its alphabet: both are understood.
    plain = text.replace("-", "+").replace("_", "/").rstrip("=") if isinstance(text, str) else ""
    if not _KID.fullmatch(plain):
        raise MalformedRequest("a key id in `kids` is not 16 bytes in base64url")
    return Kid(a2b_base64(plain + "=="))


def _encode(data: bytes) -> str:
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode("ascii")
