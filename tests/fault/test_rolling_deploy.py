"""Two origins behind real nginx, replaced one after the other under load: no request fails.

Both packaged ways at once: the load balancer of compose, and the edge.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import m3u8
import pytest

from scripts.edge_servers import running_nginx
from scripts.servers import free_port
from tests.fault.test_origin_faults import wanted
from tests.support import house as houses
from tests.support.house import House
from tests.support.house_process import serving_house
from tests.support.listeners import listening

pytestmark = pytest.mark.server

CONFIGURATION = Path(__file__).parents[2] / "configs/deploy/compose/edge.conf"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return houses.copy(houses.built(tmp_path_factory), tmp_path_factory.mktemp("fault") / "house")


@contextmanager
def balancer(folder: Path, origins: list[int]) -> Iterator[str]:
    """The packaged load balancer, on a port of this machine."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    port = free_port()
    text = CONFIGURATION.read_text().replace("listen 80 ", f"listen 127.0.0.1:{port} ")
    for name, origin in zip(("origin-a", "origin-b"), origins, strict=True):
        text = text.replace(f"{name}:8080", f"127.0.0.1:{origin}")
    text = text.replace("/var/log/nginx/", f"{folder}/")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {\n", f"http {{\n{temporary}", 1)
    file = folder / "nginx.conf"
    file.write_text(f"daemon off;\npid {folder}/pid;\n{text}")
    process = subprocess.Popen([program, "-p", str(folder), "-e", f"{folder}/log", "-c", str(file)])
    try:
        while not _accepts(port):
            assert process.poll() is None, (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


async def test_origins_are_replaced_without_a_failed_request(house: House, tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    folders = [tmp_path / name for name in ("balancer", "edge")]
    for folder in folders:
        folder.mkdir(mode=0o777)
    os.chmod(tmp_path, 0o755)  # noqa: PTH101 - nginx's workers may be another user
    async with houses.open_deps(house) as deps:
        token = houses.playback_token(deps)
        access = deps.access_tokens.mint("listener", "premium", 60)
    upstream = "\n".join(
        f"server 127.0.0.1:{port} {how};"
        for how in ("max_fails=1 fail_timeout=1s", "backup max_fails=0")
        for port in ports
    )
    licenses: list[int] = []
    with ExitStack() as processes:

        async def start(port: int) -> subprocess.Popen[str]:
            serving = serving_house(house.root, port=port, drain_delay_s=0.5, edge_answer_s=1)
            return (await asyncio.to_thread(processes.enter_context, serving))[0]

        running = dict(zip(ports, await asyncio.gather(*map(start, ports)), strict=True))
        urls = (
            processes.enter_context(balancer(folders[0], ports)),
            processes.enter_context(
                running_nginx(f"127.0.0.1:{ports[0]}", folders[1], lines={"origin": upstream})
            ).url,
        )
        stop = asyncio.Event()
        asking = [asyncio.create_task(_licenses(url, token, house, licenses, stop)) for url in urls]
        async with (
            listening(wanted(house, urls[0], token), count=4, pause_s=0.05) as heard,
            listening(wanted(house, urls[0], token), count=2, pause_s=0.05, anew=True) as others,
            listening(wanted(house, urls[1], token), count=3, pause_s=0.05) as edges,
        ):
            for port in ports:
                for url in urls:
                    await _play(url, access)
                running[port].send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(running[port].wait, 15) == 0
                running[port] = await start(port)  # and the next one goes at once
        stop.set()
        await asyncio.gather(*asking)
    for one in (heard, others, edges):
        assert (one.failed, one.wrong) == ([], [])
        assert one.done > 50
    assert set(licenses) == {200}
    assert len(licenses) > 40
    for folder in folders:
        logs = [file.read_text() for file in folder.glob("*.log")]
        assert any('"method":"GET"' in text for text in logs)
        assert not any(token in text or access in text for text in logs)


async def _play(url: str, access: str) -> None:
    """Ask for playback, and follow what it names: all of it is where the answer came from."""
    fields = {"Authorization": f"Bearer {access}"}
    async with aiohttp.ClientSession(raise_for_status=True) as client:
        async with client.post(f"{url}/api/v1/playback/{houses.TRACK}", headers=fields) as response:
            hls = (await response.json())["hls"]
        assert hls.startswith(f"{url}/v1/t/")
        async with client.get(hls) as response:
            variants = m3u8.loads(await response.text(), uri=hls).playlists
        async with client.get(variants[0].absolute_uri) as response:
            media = m3u8.loads(await response.text(), uri=variants[0].absolute_uri)
        async with client.get(media.segments[0].absolute_uri) as response:
            assert len(await response.read()) > 1000


async def _licenses(
    url: str, token: str, house: House, statuses: list[int], stop: asyncio.Event
) -> None:
    """Ask for licenses: what nginx would not repeat by itself."""
    kid = base64.urlsafe_b64encode(house.keys["standard"].kid.value).decode().rstrip("=")
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as client:
        while not stop.is_set():
            body = {"kids": [kid], "type": "temporary"}
            async with client.post(f"{url}/license/clearkey", json=body) as response:
                await response.read()
                statuses.append(response.status)
            await asyncio.sleep(0.05)
