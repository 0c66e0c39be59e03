"""`/` and `/player/...`: the player page, from files that are part of the package.

The files are read once, at start; what is not among them then does not exist. They hold nothing
but code and style: what there is to hear comes from the API, with a token.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from origin import conditional
from origin.problems import Missing
from origin.wire import WireResponse, head

_INDEX = "index.html"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    etag: str
    head: bytes
    not_modified: bytes


class PlayerPage:
    """The files and their prepared heads."""

    def __init__(self, root: Traversable, public_url: str | None) -> None:
        policy = _policy(public_url)
        self._files = {name: _prepare(name, body, policy) for name, body in _read(root, "")}

    async def get_index(self, request: web.Request) -> web.StreamResponse:
        """`/`."""
        return self._respond(request, _INDEX)

    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """`/player/{name}`."""
        return self._respond(request, request.match_info["name"])

    def _respond(self, request: web.Request, name: str) -> web.StreamResponse:
        file = self._files.get(name)
        if file is None:
            raise Missing
        outcome = conditional.evaluate(
            request.method,
            etag=file.etag,
            if_none_match=request.headers.get(hdrs.IF_NONE_MATCH),
        )
        if outcome is conditional.Outcome.NOT_MODIFIED:
            return WireResponse(304, file.not_modified)
        return WireResponse(200, file.head, b"" if request.method == hdrs.METH_HEAD else file.body)


def _read(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    """Every file of a known type under the folder, named by its path in it."""
    files: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            files += _read(entry, f"{prefix}{entry.name}/")
        elif _content_type(entry.name) is not None:
            files.append((prefix + entry.name, entry.read_bytes()))
    return files


def _content_type(name: str) -> str | None:
    return _TYPES.get(name[name.rfind(".") :])


def _prepare(name: str, body: bytes, policy: str) -> _File:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    shared = {
        hdrs.SERVER: "headwater",
        hdrs.ETAG: etag,
        hdrs.CACHE_CONTROL: "no-cache",  # kept, but asked about: a new version shows at once
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",  # tokens ride in URLs
        "X-Content-Type-Options": "nosniff",
    }
    content_type = _content_type(name) or ""
    fields = {hdrs.CONTENT_TYPE: content_type, hdrs.CONTENT_LENGTH: str(len(body)), **shared}
    return _File(body, etag, head(200, fields), head(304, shared))


def _policy(public_url: str | None) -> str:
    """The page's Content-Security-Policy: own scripts and style only.

    Media come through MSE (blob:), from the address that the playback answer names; hls.js runs
    its demuxer in a worker made of a blob.
    """
    media = "'self'"
    if public_url is not None:
        parts = urlsplit(public_url)
        media = f"'self' {parts.scheme}://{parts.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            f"img-src {media} data: blob:",
            # data: - players load an empty WebVTT from one when a track has lyrics.
            f"media-src {media} data: blob:",
            f"connect-src {media} data: blob:",
            "worker-src 'self' blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def add_routes(app: web.Application, public_url: str | None) -> None:
    """The page, at `/`, and what it consists of, under `/player/`."""
    page = PlayerPage(resources.files("origin") / "player", public_url)
    app.router.add_get("/", page.get_index)
    app.router.add_get("/player/{name:.+}", page.get_file)
