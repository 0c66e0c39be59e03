"""What a free listener may try over HTTP to get a key that is not theirs. Follows from a number."""

from __future__ import annotations

import json
import random
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from drm.model import ContentKey

_ABUSED = ("persistent-license", "temporary", "", None)
_BODIES = (None, "{}", '{"session":"free-session"}', '{"tiers":["lossless"]}', '{"session":1}')
_ACCESSES = ("standard", "premium", "lossless", "standard-premium", "standard-premium-lossless")


@dataclass(frozen=True, slots=True)
class Target:
    """An origin, what a free listener was given by it, and what they must not get."""

    url: str
    tokens: Sequence[str]  # playback tokens of a free listener, good ones
    access: str  # their access token
    tracks: Sequence[tuple[str, str]]  # track and revision
    renditions: Mapping[str, str]  # name -> tier
    keys: Sequence[tuple[str, ContentKey]]  # tier and key, of all tracks
    free: str = "standard"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request."""

    method: str
    url: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_locked_media: bool = False  # its body would be media of another tier


async def attack(target: Target, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Try so often: what was answered how often, and every answer that must not be."""
    secrets = [form for tier, key in target.keys if tier != target.free for form in _forms(key)]
    answers: Counter[str] = Counter()
    failures = []
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        for attempt in attempts(target, count, seed):
            async with client.request(
                attempt.method, attempt.url, data=attempt.body, headers=attempt.headers
            ) as response:
                body = await response.read()
            answers[_named(response, body)] += 1
            is_leak = any(secret in body for secret in secrets)
            is_media = attempt.is_locked_media and response.status < 400
            if is_leak or is_media or response.status >= 500:
                failures.append(f"{response.status}: {attempt}")
    return answers, failures


def attempts(target: Target, count: int, seed: int) -> Iterator[Attempt]:
    """Make so many; half are licenses, the rest keys, manifests, media and playback."""
    draw = random.Random(seed)
    kinds = (_license, _license, _license, _key, _manifest, _media, _playback)
    for _ in range(count):
        yield draw.choice(kinds)(draw, target)


def _license(draw: random.Random, target: Target) -> Attempt:
    kids = [_kid(draw, target) for _ in range(draw.randint(1, 4))]
    body: dict[str, object] = {
        "kids": [urlsafe_b64encode(kid).rstrip(b"=").decode() for kid in kids]
    }
    if (kind := draw.choice(_ABUSED)) is not None:
        body["type"] = kind
    token = _token(draw, target)
    url = f"{target.url}/license/clearkey"
    if draw.random() < 0.5:
        return Attempt("POST", f"{url}?token={token}", json.dumps(body))
    return Attempt("POST", url, json.dumps(body), {"Authorization": f"Bearer {token}"})


def _key(draw: random.Random, target: Target) -> Attempt:
    kid = _kid(draw, target)
    return Attempt("GET", f"{_base(draw, target)}/keys/{kid.hex()}")


def _manifest(draw: random.Random, target: Target) -> Attempt:
    form = draw.choice(("hls/multivariant.m3u8", "hls-identity/flac.m3u8", "dash/manifest.mpd"))
    return Attempt("GET", f"{_base(draw, target)}/{draw.choice(_ACCESSES)}/{form}")


def _media(draw: random.Random, target: Target) -> Attempt:
    name = draw.choice(sorted(target.renditions))
    part = draw.choice(("/1.m4s", "/init.mp4", ".mp4"))
    is_locked = target.renditions[name] != target.free
    return Attempt("GET", f"{_base(draw, target)}/{name}{part}", is_locked_media=is_locked)


def _playback(draw: random.Random, target: Target) -> Attempt:
    track, _ = draw.choice(target.tracks)
    access = target.access
    if draw.random() < 0.7:
        head, claims, mac = access.split(".")
        forged = {"sub": "listener", "subscription": "premium"}
        claims = draw.choice((claims, _joined(forged)))
        head = draw.choice((head, _joined({"alg": "none", "typ": "at+jwt"})))
        access = f"{head}.{claims}.{draw.choice((mac, 'A' * len(mac)))}"
    body = draw.choice(_BODIES)
    fields = {"Authorization": f"Bearer {access}"}
    return Attempt("POST", f"{target.url}/api/v1/playback/{track}", body, fields)


def _base(draw: random.Random, target: Target) -> str:
    track, revision = draw.choice(target.tracks)
    return f"{target.url}/v1/t/{_token(draw, target)}/tracks/{track}/{revision}"


def _kid(draw: random.Random, target: Target) -> bytes:
    """One of any tier and track; now and then one that there is not."""
    return draw.randbytes(16) if draw.random() < 0.05 else draw.choice(target.keys)[1].kid.value


def _token(draw: random.Random, target: Target) -> str:
    """A good one as often as not; else one that claims more than it was signed for."""
    token = draw.choice(target.tokens)
    if draw.random() < 0.5:
        return token
    fields = token.split(".")
    others = draw.choice(target.tokens).split(".")
    match draw.randrange(5):
        case 0:
            fields[3] = draw.choice(("standard-premium-lossless", "premium", "lossless"))
        case 1:
            at = draw.randrange(len(fields))
            fields[at] = others[at]
        case 2:
            fields[7] = others[7]
            fields[3] = "lossless"
        case 3:
            fields[draw.randrange(len(fields))] = "-"
        case _:
            at = draw.randrange(len(token))
            letter = draw.choice("ABCabc019-_~.")
            return token[:at] + letter + token[at + 1 :]
    return ".".join(fields)


def _forms(key: ContentKey) -> tuple[bytes, ...]:
    """How a key could stand in an answer."""
    return (
        key.key,
        key.key.hex().encode(),
        key.key.hex().upper().encode(),
        b64encode(key.key).rstrip(b"="),
        urlsafe_b64encode(key.key).rstrip(b"="),
    )


def _joined(document: Mapping[str, str]) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _named(response: aiohttp.ClientResponse, body: bytes) -> str:
    if response.content_type != "application/problem+json":
        return str(response.status)
    return f"{response.status} {json.loads(body)['reason']}"
