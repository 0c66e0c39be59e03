"""The player page: code and style, strict headers, nothing else."""

from __future__ import annotations

import asyncio
from importlib import resources

import pytest

from configs.settings import OriginSettings
from tests.http.conftest import Origin


async def test_every_file_of_the_page_is_served_as_it_is(origin: Origin) -> None:
    root = resources.files("origin") / "player"
    page = (root / "index.html").read_bytes()
    async with origin.client.get(f"{origin.url}/") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert await response.read() == page
    scripts = [entry for entry in root.iterdir() if entry.name.endswith(".js")]
    assert scripts
    for entry in scripts:
        async with origin.client.get(f"{origin.url}/player/{entry.name}") as response:
            assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
            assert await response.read() == entry.read_bytes()


async def test_the_page_may_do_little(origin: Origin) -> None:
    async with origin.client.get(f"{origin.url}/") as response:
        policy = dict(
            part.partition(" ")[::2]
            for part in response.headers["Content-Security-Policy"].split("; ")
        )
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in response.headers
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in " ".join(policy.values())
    assert "blob:" in policy["media-src"]


async def test_a_known_version_is_not_sent_again(origin: Origin) -> None:
    async with origin.client.get(f"{origin.url}/") as response:
        etag = response.headers["ETag"]
    async with origin.client.get(f"{origin.url}/", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
        assert response.headers["ETag"] == etag
        assert "Content-Security-Policy" in response.headers
    async with origin.client.head(f"{origin.url}/") as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    "target",
    [
        "/player/",
        "/player/nothing.js",
        "/player/../app.py",
        "/player/..%2fapp.py",
        "/player/%2e%2e/app.py",
        "/player//etc/passwd",
        "/player/vendor",
        "/player/vendor/",
        "/player/./index.html",
        "/player/index.html%00.js",
        "/player/__init__.py",
        "/index.html",
        "/favicon.ico",
    ],
)
async def test_what_is_not_a_file_of_the_page_does_not_exist(origin: Origin, target: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split()[1] in {b"404", b"400"}


class TestWithAPublicUrl:
    @pytest.fixture
    def settings(self) -> OriginSettings:
        return OriginSettings(
            port=0, shutdown_grace_s=1, public_url="https://cdn.example:8443/music"
        )

    async def test_the_page_may_fetch_from_there(self, origin: Origin) -> None:
        async with origin.client.get(f"{origin.url}/") as response:
            policy = response.headers["Content-Security-Policy"]
        assert "connect-src 'self' https://cdn.example:8443 data: blob:" in policy
