"""Telling caches to forget: what is taken away, in the words of each kind of cache.

Whoever takes a track away tells the catalog first; what this saves is the time until caches ask
again, and the copies that would otherwise lie there. A cache that cannot be told is told of: its
copies are let out no longer than `origin.edge_answer_s`, where it asks the origin about tokens.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from configs.settings import PurgeSettings
from drm.http_client import HttpAnswer, HttpClient, HttpFailed
from packager.model import Package
from storage.naming import track_prefix

SLICE_BYTES = 512 << 10  # `slice` of configs/edge/nginx.conf

_ATTEMPTS = 3
_BACKOFF_S = 0.5
_AT_ONCE = 16
_FASTLY_KEYS = 256  # in one request
_CLOUDFLARE_TAGS = 30
_VARNISH_KEYS = 100  # as configs/edge/varnish.vcl takes
_GONE = (200, 204, 404, 412)  # nginx: it was there, or it was not

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to be forgotten."""

    tags: tuple[str, ...]  # Surrogate-Keys: ids of tracks and of releases
    objects: tuple[str, ...] = ()  # the names of copies, for caches that know no tags


@dataclass(frozen=True, slots=True)
class Purged:
    """What came of telling one cache."""

    kind: str
    url: str
    problem: str | None = None  # None: it has forgotten


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None


def cached_objects(package: Package) -> Iterator[str]:
    """The names under which nginx keeps a revision's media: segments, slices, what lies beside."""
    prefix = track_prefix(package.track_id, package.revision)
    for rendition in package.files():
        stem = prefix + rendition.name
        yield f"{stem}/init.mp4"
        for number in range(1, len(rendition.segments) + 1):
            yield f"{stem}/{number}.m4s"
        for start in range(0, rendition.size, SLICE_BYTES):
            yield f"{stem}.mp4?slice=bytes={start}-{start + SLICE_BYTES - 1}"
    files = ["covers.json", "no-lyrics.vtt"]
    for text in package.lyrics:
        files += [text.file, text.segment_file]
    files += [picture.file for picture in package.pictures]
    files += [download.file for download in package.downloads]
    for file in files:
        yield prefix + file


class Purger:
    """Tells all caches of the settings, side by side."""

    def __init__(
        self,
        http: HttpClient,
        caches: Sequence[PurgeSettings],
        secret: Callable[[PurgeSettings], str],
        *,
        timeout_s: float,
    ) -> None:
        """`secret` gives a cache's credentials, asked for each time."""
        self._http = http
        self._caches = caches
        self._secret = secret
        self._timeout_s = timeout_s

    async def purge(self, purge: Purge) -> list[Purged]:
        """Tell each; what failed is in the result, nothing is raised."""
        return list(await asyncio.gather(*(self._tell(cache, purge) for cache in self._caches)))

    async def _tell(self, cache: PurgeSettings, purge: Purge) -> Purged:
        secret = self._secret(cache) if cache.needs_secret else ""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def send(request: _Request) -> str | None:
            async with limit:
                return await self._send(cache, request)

        requests = list(_requests(cache, purge, secret))
        problems = await asyncio.gather(*map(send, requests))
        return Purged(cache.kind, cache.url, next(filter(None, problems), None))

    async def _send(self, cache: PurgeSettings, request: _Request) -> str | None:
        """The problem, after a few attempts; None where it worked."""
        problem = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_BACKOFF_S * 2**attempt)
            try:
                answer = await self._http.request(
                    request.method, request.url, request.headers, request.body, self._timeout_s
                )
            except HttpFailed as error:
                problem = error.cause
                continue
            problem = _problem(cache, answer)
            if problem is None or (answer.status < 500 and answer.status != 429):
                break
        return problem


def _requests(cache: PurgeSettings, purge: Purge, secret: str) -> Iterator[_Request]:
    """The requests that make a cache forget, in its own words."""
    url = cache.url.rstrip("/")
    match cache.kind:
        case "fastly":  # POST /service/{id}/purge, keys in a header
            for keys in _batches(purge.tags, _FASTLY_KEYS):
                fields = {
                    "Fastly-Key": secret,
                    "Surrogate-Key": " ".join(keys),
                    "Accept": "application/json",
                }
                yield _Request("POST", f"{url}/purge", fields)
        case "cloudflare":  # POST /zones/{id}/purge_cache, by Cache-Tag
            fields = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
            for keys in _batches(purge.tags, _CLOUDFLARE_TAGS):
                body = json.dumps({"tags": keys}).encode()
                yield _Request("POST", f"{url}/purge_cache", fields, body)
        case "varnish":
            for keys in _batches(purge.tags, _VARNISH_KEYS):
                yield _Request("BAN", f"{url}/", {"Surrogate-Key": " ".join(keys)})
        case "nginx":
            for name in purge.objects:
                yield _Request("PURGE", f"{url}/{name}", {})


def _problem(cache: PurgeSettings, answer: HttpAnswer) -> str | None:
    if cache.kind == "nginx":
        return None if answer.status in _GONE else f"status {answer.status}"
    if answer.status != 200:
        return f"status {answer.status}"
    if cache.kind == "cloudflare" and not _is_success(answer.body):
        return "it says that it did not"
    return None


def _is_success(body: bytes) -> bool:
    """Cloudflare may say 200 and mean no."""
    try:
        document = json.loads(body)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("success") is True


def _batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
