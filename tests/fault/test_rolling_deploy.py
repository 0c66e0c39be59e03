"""Two origins behind a real nginx, replaced one after the other under load: no request fails."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.fault.test_origin_faults import wanted
from tests.servers.s3_server import free_port
from tests.support import house as houses
from tests.support.house import House
from tests.support.house_process import serving_house
from tests.support.listeners import listening

pytestmark = pytest.mark.server

CONFIGURATION = Path(__file__).parents[2] / "configs/deploy/compose/edge.conf"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return houses.build(tmp_path_factory.mktemp("house"))


@contextmanager
def nginx(folder: Path, port: int, origins: list[int]) -> Iterator[str]:
    """The packaged load balancer, on this port of this machine."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    text = CONFIGURATION.read_text().replace("listen 80 ", f"listen 127.0.0.1:{port} ")
    for name, origin in zip(("origin-a", "origin-b"), origins, strict=True):
        text = text.replace(f"{name}:8080", f"127.0.0.1:{origin}")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {\n", f"http {{\n{temporary}access_log off;\n", 1)
    file = folder / "nginx.conf"
    file.write_text(f"daemon off;\npid {folder}/pid;\nerror_log {folder}/log warn;\n{text}")
    process = subprocess.Popen([program, "-p", str(folder), "-e", f"{folder}/log", "-c", str(file)])
    try:
        time.sleep(0.5)
        assert process.poll() is None, (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def test_origins_are_replaced_without_a_failed_request(house: House, tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    edge = tmp_path / "edge"
    edge.mkdir(mode=0o777)
    os.chmod(tmp_path, 0o755)  # noqa: PTH101 - nginx's workers may be another user
    async with houses.open_deps(house) as deps:
        token = houses.playback_token(deps)
    licenses: list[int] = []
    with ExitStack() as processes:
        start = lambda port: processes.enter_context(  # noqa: E731 - said once
            serving_house(house.root, port=port, drain_delay_s=1.5)
        )[0]
        running = {port: await asyncio.to_thread(start, port) for port in ports}
        with nginx(edge, free_port(), ports) as url:
            parts = wanted(house, url, token)
            stop = asyncio.Event()
            asking = asyncio.create_task(_licenses(url, token, house, licenses, stop))
            async with (
                listening(parts, count=6) as heard,
                listening(parts, count=2, anew=True) as others,
            ):
                await asyncio.sleep(1)
                for port in ports:
                    running[port].send_signal(signal.SIGTERM)
                    assert await asyncio.to_thread(running[port].wait, 15) == 0
                    running[port] = await asyncio.to_thread(start, port)
                    await asyncio.sleep(1.5)  # nginx asks it again
            stop.set()
            await asking
    for one in (heard, others):
        assert (one.failed, one.wrong, one.retried) == ([], [], 0)
        assert one.done > 100
    assert set(licenses) == {200}
    assert len(licenses) > 20


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
