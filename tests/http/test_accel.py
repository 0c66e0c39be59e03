"""An nginx in front that sends the storage's files itself, when the origin says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from configs.settings import OriginSettings, Settings, StorageSettings
from tests.http.conftest import Origin
from tests.support.plain_files import running_nginx

pytestmark = pytest.mark.server


@pytest.fixture
def settings() -> OriginSettings:
    return OriginSettings(
        port=0,
        shutdown_grace_s=1.0,
        trusted_proxies=("127.0.0.1/32",),
        accel_redirect="/stored/",
    )


_COMMON = """
  upstream origin { server 127.0.0.1:%d; keepalive 64; }
  proxy_cache_path %s keys_zone=answers:1m use_temp_path=off;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  map "$http_if_none_match$http_if_match$http_if_range" $is_plain { default 0; "" 1; }
"""
_SERVER = """
  location / { proxy_pass http://origin; }
  location /stored/ {
    internal; alias %(files)s; etag off;
    add_header ETag $upstream_http_etag;
    add_header Access-Control-Allow-Origin $upstream_http_access_control_allow_origin;
  }
"""
_KEPT = r"""
  location ~ "^/v1/t/(?<token>[A-Za-z0-9._~-]+)/(?<object>tracks/[a-z0-9]+/[0-9a-f]+/[a-z0-9-]+\.mp4)$" {
    error_page 418 = @origin;
    if ($is_plain = 0) { return 418; }
    auth_request /_stored;
    auth_request_set $stored $upstream_http_x_accel_redirect;
    auth_request_set $etag $upstream_http_etag;
    open_file_cache_errors on;
    try_files /_none /kept$stored;
  }
  location @origin { proxy_pass http://origin; }
  location = /_stored {
    internal;
    proxy_pass http://origin/v1/auth/$token/$object?stored;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_ignore_headers X-Accel-Redirect;
    proxy_cache answers;
    proxy_cache_lock on;
    proxy_cache_key "$remote_addr $token $object";
  }
  location ^~ /kept/stored/ {
    internal; alias %(files)s; etag off; default_type audio/mp4;
    add_header ETag $etag;
    add_header Cache-Control "public, max-age=31536000, immutable";
    add_header Access-Control-Allow-Origin *;
  }
"""  # noqa: E501 - as docs/origin.md has it


@pytest.fixture(params=["asked each time", "answers kept"])
def nginx(request: pytest.FixtureRequest, origin: Origin, tmp_path: Path) -> Iterator[str]:
    """As docs/origin.md has it, without and with what keeps the origin's answers."""
    scratch = tmp_path / "nginx"
    scratch.mkdir()
    server = _SERVER + (_KEPT if request.param == "answers kept" else "")
    files = {"files": f"{origin.house.root}/storage/"}
    common = _COMMON % (origin.port, scratch / "answers")
    with running_nginx(server % files, scratch, common) as url:
        yield url


async def test_nginx_sends_the_file_and_its_ranges(origin: Origin, nginx: str) -> None:
    stored = origin.stored("aac-64k")
    target = origin.media("aac-64k.mp4").removeprefix(origin.url)
    for _ in range(2):  # the second time it is known
        origin.watch.calls.clear()
        async with origin.client.get(nginx + target) as response:
            assert (response.status, await response.read()) == (200, stored)
            etag = response.headers["ETag"]
            assert response.headers["Content-Type"] == "audio/mp4"
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert "X-Accel-Redirect" not in response.headers
        fields = {"Range": "bytes=100-299"}
        async with origin.client.get(nginx + target, headers=fields) as response:
            assert (response.status, await response.read()) == (206, stored[100:300])
            assert response.headers["Content-Range"] == f"bytes 100-299/{len(stored)}"
        assert not [key for call, key in origin.watch.calls if call == "get" and key[-4:] == ".mp4"]
    async with origin.client.get(nginx + target, headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    for validator, expected in ((etag, (206, stored[5:8])), ('"other"', (200, stored))):
        fields = {"Range": "bytes=5-7", "If-Range": validator}
        async with origin.client.get(nginx + target, headers=fields) as response:
            assert (response.status, await response.read()) == expected


async def test_what_is_no_file_comes_from_the_origin(origin: Origin, nginx: str) -> None:
    span = origin.house.package.renditions[0].segments[0].span
    for rest, expected in (
        ("aac-64k/1.m4s", origin.stored("aac-64k")[span.start : span.end]),
        (
            "aac-64k/init.mp4",
            origin.stored("aac-64k")[: origin.house.package.renditions[0].init.end],
        ),
    ):
        target = origin.media(rest).removeprefix(origin.url)
        async with origin.client.get(nginx + target) as response:
            assert (response.status, await response.read()) == (200, expected)
    async with origin.client.get(f"{nginx}/stored/tracks/x") as response:
        assert response.status == 404  # internal


async def test_what_is_said_to_the_proxy_is_said_to_nobody_else(origin: Origin, nginx: str) -> None:
    url = origin.media("aac-64k.mp4")
    async with origin.client.get(nginx + url.removeprefix(origin.url)) as response:
        assert response.status == 200  # from now on the redirect is remembered
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=elsewhere) as client:
        for text in ("*", "bytes=*", "AnyRange.ANY"):
            async with client.get(url, headers={"Range": text}) as response:
                assert "X-Accel-Redirect" not in response.headers
                assert await response.read() == origin.stored("aac-64k")
        async with client.get(url.replace("/v1/t/", "/v1/auth/") + "?stored") as response:
            assert response.status == 204
            assert "X-Accel-Redirect" not in response.headers


async def test_a_token_is_needed(origin: Origin, nginx: str) -> None:
    target = origin.media("flac.mp4", "standard").removeprefix(origin.url)
    for _ in range(2):
        async with origin.client.get(nginx + target) as response:
            assert response.status == 403
        full = origin.media("flac.mp4").removeprefix(origin.url)
        async with origin.client.get(nginx + full) as response:
            assert response.status == 200


async def test_accel_needs_a_known_nginx_and_files() -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        OriginSettings(accel_redirect="/stored/")
    front = OriginSettings(accel_redirect="/stored/", trusted_proxies=("127.0.0.1/32",))
    with pytest.raises(ValueError, match="kind local"):
        Settings(origin=front, storage=StorageSettings(kind="s3", bucket="media"))
