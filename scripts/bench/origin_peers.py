"""What `scripts/bench/origin` compares with: what a Python user would write, and our own naive way.

Each answers the same bytes under the same addresses; only the naive one looks at tokens.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from drm.playback_token import PlaybackTokens
from drm.token_keys import TokenKeys
from origin import paths
from packager import index
from storage.base import ByteRange
from storage.local import LocalStore
from storage.naming import PACKAGE_INDEX, track_object


def bare(folder: Path) -> web.Server:
    """From memory, through aiohttp at its barest: no router, no headers of ours, no token."""
    bodies = {f"/{name}": (folder / "www" / name).read_bytes() for name in ("segment", "manifest")}

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bodies[request.raw_path], content_type="audio/mp4")

    return web.Server(answer, access_log=None)


def file_response(folder: Path) -> web.Server:
    """`web.FileResponse`, as aiohttp's own static files use it."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.FileResponse(folder / "www" / request.raw_path[1:])

    return web.Server(answer, access_log=None)


def naive(folder: Path) -> web.Server:
    """Our own parts without anything remembered: token, index and bytes are read each time."""
    tokens = PlaybackTokens(TokenKeys.open(folder / "tokens.json", create=False).playback)
    store = LocalStore(folder / "storage")

    async def answer(request: web.BaseRequest) -> web.Response:
        split = paths.split_token(request.raw_path)
        media = None if split is None else paths.parse(split[1])
        if split is None or not isinstance(media, paths.MediaSegment):
            raise web.HTTPNotFound
        token = tokens.verify(split[0], datetime.now(UTC))
        if token.scope != f"tracks/{media.track_id}/":
            raise web.HTTPForbidden
        place = media.track_id, media.revision
        package = index.decode(await store.get(track_object(*place, PACKAGE_INDEX)))
        rendition = package.rendition(media.rendition)
        if rendition is None or rendition.tier not in token.tiers:
            raise web.HTTPForbidden
        span = rendition.segments[media.number - 1].span
        file = track_object(*place, rendition.file)
        data = await store.get(file, ByteRange(span.start, span.end))
        return web.Response(body=data, content_type="audio/mp4")

    return web.Server(answer, access_log=None)


KINDS = {"bare": bare, "file-response": file_response, "naive": naive}


def run(kind: str, folder: Path, port: int) -> None:
    """Serve one of them until killed."""

    async def serve() -> None:
        runner = web.ServerRunner(KINDS[kind](folder))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()

    import uvloop  # noqa: PLC0415 - a dependency of the origin, not of the other commands

    uvloop.run(serve())


def run_starlette(folder: Path, port: int) -> None:
    """Serve files by Starlette's `FileResponse` under uvicorn (uvloop and httptools)."""
    import uvicorn  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - for this only
    from starlette.applications import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        Starlette,
    )
    from starlette.responses import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        FileResponse,
    )
    from starlette.routing import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        Route,
    )

    async def answer(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - its types may not be there
        return FileResponse(folder / "www" / request.path_params["name"])

    app = Starlette(routes=[Route("/{name}", answer)])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def nginx_in_front(folder: Path, origin: str) -> tuple[str, str]:
    """What makes an nginx one before the origin: directives of `http`, and of its server.

    Under `/accel` it asks the origin each time, under `/kept` it keeps its answers for 30 s, as
    configs/edge/nginx.conf does; they rest in memory. Under `/both` they say where the file is,
    too, as in docs/origin.md.
    """
    location = "/v1/t/(?<token>[A-Za-z0-9._~-]+)/(?<object>tracks/[a-z0-9/-]+\\.mp4)$"
    common = (
        f"  upstream origin {{ server {origin}; keepalive 64; }}\n"
        f"  proxy_cache_path {folder}/auth keys_zone=auth:8m use_temp_path=off;\n"
        "  proxy_http_version 1.1; proxy_set_header Connection '';\n"
        '  map "$http_if_none_match$http_if_match$http_if_range" $is_plain { default 0; "" 1; }\n'
    )
    server = (
        f'    location ~ "^/kept{location}" {{ auth_request /_auth;\n'
        f"      alias {folder}/storage/$object; }}\n"
        "    location = /_auth { internal; proxy_pass http://origin/v1/auth/$token/$object;\n"
        "      proxy_pass_request_body off; proxy_set_header Content-Length '';\n"
        "      proxy_set_header Connection ''; proxy_cache auth; proxy_cache_key $token$object;\n"
        "      proxy_cache_lock on; }\n"
        "    location /accel/ { proxy_pass http://origin/; }\n"
        f"    location /stored/ {{ internal; alias {folder}/storage/; etag off; }}\n"
        f'    location ~ "^/both{location}" {{ error_page 418 = @origin;\n'
        "      if ($is_plain = 0) { return 418; }\n"
        "      auth_request /_stored; auth_request_set $etag $upstream_http_etag;\n"
        "      auth_request_set $stored $upstream_http_x_accel_redirect;\n"
        "      open_file_cache_errors on; try_files /_none /kept$stored; }\n"
        "    location @origin { proxy_pass http://origin; }\n"
        "    location = /_stored { internal; proxy_ignore_headers X-Accel-Redirect;\n"
        "      proxy_pass http://origin/v1/auth/$token/$object?stored;\n"
        "      proxy_pass_request_body off; proxy_set_header Content-Length '';\n"
        "      proxy_set_header Connection ''; proxy_cache auth; proxy_cache_lock on;\n"
        "      proxy_cache_key 'stored $remote_addr $token $object'; }\n"
        f"    location ^~ /kept/stored/ {{ internal; alias {folder}/storage/; etag off;\n"
        "      default_type audio/mp4; add_header ETag $etag;\n"
        "      add_header Cache-Control 'public, max-age=31536000, immutable';\n"
        "      add_header Access-Control-Allow-Origin *; }\n"
    )
    return common, server
