"""Certificates and secrets that are exchanged while requests run."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.certificates import server_pair
from tests.support.origin_process import headwater, serving

pytestmark = pytest.mark.server

Environment = dict[str, str]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    kept = {name: value for name, value in os.environ.items() if "HEADWATER" not in name}
    return kept | {"HEADWATER_HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def origin(environment: Environment, folder: Path) -> Iterator[str]:
    put(folder, "one.example")
    flags = ("--tls-certificate", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"))
    with serving(environment, "--workers", "2", *flags) as url:
        yield url


def put(folder: Path, name: str) -> None:
    """Exchange certificate and key, one after the other, as tools do it."""
    pair = server_pair(name)
    for file, data in (("cert.pem", pair.pem), ("key.pem", pair.key_pem)):
        draft = folder / f".{file}"
        draft.write_bytes(data)
        draft.replace(folder / file)


def subject(url: str) -> str:
    """Whom the certificate is for that a new connection is shown."""
    host, _, port = url.removeprefix("https://").partition(":")
    shown = ssl.get_server_certificate((host, int(port)), timeout=10)
    told = subprocess.run(
        ["openssl", "x509", "-noout", "-subject"],
        input=shown,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip().rpartition("=")[2].strip()


async def test_a_certificate_changes_under_load(origin: str, folder: Path) -> None:
    errors: list[object] = []
    done = 0
    stop = asyncio.Event()

    async def ask(*, anew: bool) -> None:
        nonlocal done
        connector = aiohttp.TCPConnector(ssl=False, force_close=anew)
        async with aiohttp.ClientSession(connector=connector) as client:
            while not stop.is_set():
                try:
                    async with client.get(f"{origin}/healthz") as response:
                        if response.status != 200:
                            errors.append(response.status)
                        done += 1
                except (aiohttp.ClientError, OSError) as error:
                    errors.append(error)
                await asyncio.sleep(0.005)

    tasks = [asyncio.create_task(ask(anew=anew)) for anew in (True, True, False, False)]
    await asyncio.sleep(0.5)
    assert await asyncio.to_thread(subject, origin) == "one.example"
    put(folder, "two.example")
    deadline = time.monotonic() + 8
    shown: set[str] = set()
    while shown != {"two.example"} and time.monotonic() < deadline:  # by both workers
        await asyncio.sleep(0.5)
        shown = {await asyncio.to_thread(subject, origin) for _ in range(6)}
    (folder / "key.pem").write_bytes(b"half a k")  # which is left alone
    await asyncio.sleep(2.5)
    assert await asyncio.to_thread(subject, origin) == "two.example"
    put(folder, "two.example")
    stop.set()
    await asyncio.gather(*tasks)
    assert shown == {"two.example"}
    assert errors == []
    assert done > 100


def test_signing_keys_change(origin: str, environment: Environment, folder: Path) -> None:
    file = Path(environment["HEADWATER_HOME"]) / "tokens.json"
    old = token(environment)
    assert status(origin, old) == 200
    document = json.loads(file.read_text())
    document["access"] = {"current": "k2", "keys": {"k2": "ab" * 32}}
    draft = file.with_name(".draft")
    draft.write_text(json.dumps(document))
    draft.chmod(0o600)
    draft.replace(file)
    new = token(environment)
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        statuses = {status(origin, one) for one in (new, new, new, new)}
        if statuses == {200}:
            break
        time.sleep(0.2)
    assert statuses == {200}
    assert {status(origin, old) for _ in range(4)} == {401}


def token(environment: Environment) -> str:
    command = headwater("token", "mint", "--subscription", "premium")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def status(origin: str, access_token: str) -> int:
    request = urllib.request.Request(
        f"{origin}/api/v1/tracks", headers={"Authorization": f"Bearer {access_token}"}
    )
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return int(error.code)
