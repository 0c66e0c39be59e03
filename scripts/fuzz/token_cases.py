"""Damaged tokens, key sets and license requests, as strangers may send them.

A case is a good one, damaged, and what reads it: it must end in a value or in the reader's own
error, soon, and what is signed must never say anything else. Everything follows from a
number, so that a failure can be made again.
"""

from __future__ import annotations

import random
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drm import challenges, clearkey, cose, jwks
from drm.access_token import AccessTokens
from drm.common_access_token import CommonAccessTokens, EitherPlaybackTokens
from drm.cose import MalformedMessage
from drm.errors import ExpiredToken, InvalidToken, MalformedRequest
from drm.jwks import InvalidKeySet
from drm.jwt_form import header_of
from drm.model import PlaybackToken
from drm.token_keys import SigningKeys

CASE_S = 0.25  # seconds: far more than any of these takes on a busy machine
_NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
_KEYS = SigningKeys("a1", {"a1": bytes(range(32))})
_CATS = CommonAccessTokens(_KEYS, issuer="headwater", audience="player")
_PLAYBACK = EitherPlaybackTokens(_KEYS, _CATS, issue_cats=False)
_ACCESS = AccessTokens(_KEYS, issuer="headwater", audience="player")
_TOKEN = PlaybackToken("tracks/taaa/", ("standard", "premium"), _NOW + timedelta(hours=1))
_CLAIMS = {1: "headwater", 4: 1795251600, 310: 1, -65537: {0: ["standard"]}}
_KID = bytes(range(16))
_WIDEVINE = (
    b"\x08\x01\x12\x1e\x12\x1c\x0a\x1a\x0a\x12\x12\x10" + _KID + b"\x10\x01\x1a\x02id\x1a\x02no"
)
_HEADER = "http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader"
_PLAYREADY = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><AcquireLicense '
    'xmlns="http://schemas.microsoft.com/DRM/2007/03/protocols"><challenge><LA><ContentHeader>'
    f'<WRMHEADER xmlns="{_HEADER}"><DATA><KID VALUE="AAAAAAAAAAAAAAAAAAAAAA=="/></DATA>'
    "</WRMHEADER></ContentHeader></LA></challenge></AcquireLicense></e:Body></e:Envelope>"
)
_KEY_SET = (
    '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","alg":"EdDSA","use":"sig",'
    '"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"EC","crv":"P-256","kid":"2",'
    '"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}'
)
_PIECES = (
    b"", b"\0", b"\xff", b".", b"=", b'"', b"\\u0000", b"{", b"[" * 500, b"null", b"-1", b"1e999",
    b"\x9b" + b"\xff" * 8, b"\x5b\x7f" + b"\xff" * 7, b"\xd8\x1c\x81\xd8\x1d\0", b"\x81" * 60,
    b"<!DOCTYPE a>", b"&lt;", b"\xf0\x9f\x8e\xb5", b"none", b"\x80" * 12,
)  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """What reads something, and what of it is good."""

    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seed: bytes
    signed: bool = False  # then nothing may be read that the seed does not say


@dataclass(frozen=True)
class Failure:
    """A case that ended in another way."""

    reader: str
    number: int
    error: str
    data: bytes


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _unpacked(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


_TOKENS = (InvalidToken, ExpiredToken)
READERS = {
    "playback": Reader(
        lambda data: _PLAYBACK.verify(_text(data), _NOW),
        _TOKENS,
        _PLAYBACK.issue(_TOKEN).encode(),
        signed=True,
    ),
    "cat": Reader(
        lambda data: _PLAYBACK.verify(urlsafe_b64encode(data).rstrip(b"=").decode(), _NOW),
        _TOKENS,
        _unpacked(_CATS.issue(_TOKEN)),
        signed=True,
    ),
    "cose": Reader(
        lambda data: cose.open_sealed(data, _KEYS.keys),
        (MalformedMessage,),
        cose.seal(_CLAIMS, "a1", _KEYS.keys["a1"]),
        signed=True,
    ),
    "access": Reader(
        lambda data: _ACCESS.verify(_text(data), _NOW),
        _TOKENS,
        _ACCESS.mint("alice", "premium", 600, now=_NOW).encode(),
        signed=True,
    ),
    "jwt-header": Reader(
        lambda data: header_of(f"{urlsafe_b64encode(data).rstrip(b'=').decode()}.e30.AA"),
        _TOKENS,
        b'{"alg":"ES256","typ":"at+jwt","kid":"1"}',
    ),
    "key-set": Reader(
        lambda data: jwks.parse(data, jwks.ALGORITHMS), (InvalidKeySet,), _KEY_SET.encode()
    ),
    "clearkey": Reader(
        clearkey.parse_request,
        (MalformedRequest,),
        b'{"kids":["nrQFDeRLSAKTLifXUIPiZg"],"type":"temporary"}',
    ),
    "widevine": Reader(challenges.widevine, (MalformedRequest,), _WIDEVINE),
    "playready": Reader(challenges.playready, (MalformedRequest,), _PLAYREADY.encode()),
    "fairplay": Reader(challenges.fairplay, (MalformedRequest,), bytes(3) + b"\1" + bytes(300)),
}


def run(cases: int, *, seed: int, only: str | None = None) -> Iterator[Failure | None]:
    """One result for each case, in turn over the readers."""
    names = [only] if only else list(READERS)
    for number in range(cases):
        yield attempt(names[number % len(names)], seed, number)


def attempt(name: str, seed: int, number: int) -> Failure | None:
    """One case."""
    reader = READERS[name]
    data = damaged(reader.seed, random.Random(f"{seed} {number}"))
    began = time.process_time()
    error = _error(reader, data)
    if not error and time.process_time() - began > CASE_S:
        error = f"took more than {CASE_S} s"
    return Failure(name, number, error, data) if error else None


def damaged(good: bytes, rng: random.Random) -> bytes:
    """The bytes with one to four things done to them."""
    data = bytearray(good)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.randint(1, 8)]
        elif kind == 2:
            data[at:at] = rng.choice(_PIECES)
        elif kind == 3:
            data[at : at + rng.randint(1, 6)] = rng.choice(_PIECES)
        else:
            data[at:at] = data[at : at + rng.randint(1, 60)]
    return bytes(data)


def _error(reader: Reader, data: bytes) -> str:
    try:
        value = reader.read(data)
    except reader.errors:
        return ""
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is the finding
        return f"{type(exc).__name__}: {exc}"
    # The same token in another spelling may pass: COSE does not sign how it is wrapped.
    return "it passed" if reader.signed and value != reader.read(reader.seed) else ""
