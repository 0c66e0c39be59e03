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


@pytest.fixture
def nginx(origin: Origin, tmp_path: Path) -> Iterator[str]:
    """As docs/origin.md has it."""
    scratch = tmp_path / "nginx"
    scratch.mkdir()
    server = f"""
      location / {{ proxy_pass {origin.url}; proxy_http_version 1.1; }}
      location /stored/ {{
        internal; alias {origin.house.root}/storage/; etag off;
        add_header ETag $upstream_http_etag;
        add_header Access-Control-Allow-Origin $upstream_http_access_control_allow_origin;
      }}
    """
    with running_nginx(server, scratch) as url:
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
