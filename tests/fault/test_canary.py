"""No content key, KEK, signing key or token shows anywhere, whatever goes well or wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from catalog.engine import Catalog
from drm import key_admin
from drm.kek import LocalKek
from drm.keyring import Keyring
from drm.model import ContentKey
from packager.model import Scheme
from scripts.servers import free_port
from tests.support import masters
from tests.support.canaries import Canaries, ProcessWatch, files_under
from tests.support.origin_process import headwater, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]

PASSPHRASE = "canary passphrase 51d1a3"


@dataclass(slots=True)
class Run:
    """A HOME, and all that its programs said."""

    root: Path
    canaries: Canaries = field(default_factory=Canaries)
    said: dict[str, bytes] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"HEADWATER_HOME": str(self.home), "TMPDIR": str(self.root / "tmp")}

    def command(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run it as loudly as can be; returns what it prints, keeps what it says of that."""
        done = subprocess.run(
            headwater("-vv", *arguments),
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        name = f"{len(self.said)}: {' '.join(arguments[:2])}"
        self.said[f"stderr of {name}"] = done.stderr
        assert done.returncode == code, done.stderr.decode()
        if arguments[:2] not in {("token", "mint"), ("play", "Canary")}:  # those print tokens
            self.said[f"stdout of {name}"] = done.stdout
        return done.stdout.decode()

    @contextmanager
    def origin(self, **environment: str) -> Iterator[str]:
        """A running origin whose log is kept."""
        log = self.root / f"origin-{len(self.said)}.log"
        with serving(self.environment | environment, "--workers", "2", log=log) as url:
            yield url
        self.said[f"log of the origin {log.name}"] = log.read_bytes()


def _secret_files(run: Run) -> list[Path]:
    return [run.home / name for name in ("kek.json", "tokens.json", "audit.json")]


def _note_secrets(run: Run) -> None:
    """Every 32-byte secret in the files that hold them."""

    def walk(name: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{name}.{key}", inner)
        elif isinstance(value, str) and len(value) == 64:
            run.canaries.add(name, bytes.fromhex(value))

    for path in _secret_files(run):
        walk(path.name, json.loads(path.read_text()))


async def _content_keys(run: Run) -> list[tuple[str, Scheme, ContentKey]]:
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{run.home}/catalog.db")
    try:
        keyring = Keyring(LocalKek.open(run.home / "kek.json", create=False))
        return [
            (record.tier, Scheme(record.scheme), await keyring.unwrap(record))
            async for record in key_admin.all_keys(catalog)
        ]
    finally:
        await catalog.close()


def _ask(url: str, body: bytes | None = None, token: str | None = None) -> tuple[int, bytes]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _ask_for(keys: list[ContentKey]) -> bytes:
    kids = [urlsafe_b64encode(key.kid.value).rstrip(b"=").decode() for key in keys]
    return json.dumps({"kids": kids}).encode()


def _ingest(run: Run) -> None:
    """Good masters and a broken one; with the KEK in a file and in a variable."""
    folder = run.root / "masters"
    folder.mkdir()
    masters.flac(folder / "a.flac", masters.music(2.0), TITLE="Canary")
    masters.flac(folder / "b.flac", masters.music(2.0, seed=2), TITLE="Second")
    masters.truncate(masters.flac(folder / "c.flac", masters.music(2.0, seed=3)))
    run.command("ingest", str(folder / "a.flac"))
    in_variable = {
        "HEADWATER_DRM__KEK_PROVIDER": "env",
        "KEK_HEADWATER": (run.home / "kek.json").read_text(),
    }
    run.command("ingest", str(folder / "b.flac"), str(folder / "c.flac"), code=1, **in_variable)


def _play(run: Run, url: str, play: dict[str, str], access: str) -> list[bytes]:
    """Everything a listener gets, and everything that is refused; returns the refusals."""
    found = asyncio.run(_content_keys(run))
    samples = [key for _, scheme, key in found if scheme is not Scheme.AES_128]
    token = play["token"]
    status, given = _ask(f"{url}/license/clearkey", _ask_for(samples[:3]), token)
    assert status == 200
    assert any(urlsafe_b64encode(key.key).rstrip(b"=") in given for key in samples)
    assert _ask(f"{url}/license/clearkey?token={token}", _ask_for(samples[:3]))[0] == 200
    base = f"{url}/v1/t/{token}/tracks/{play['track_id']}/{play['revision']}"
    statuses = [_ask(f"{base}/keys/{key.kid.hex}")[0] for key in samples]
    assert statuses.count(200) == 3
    refused = [
        _ask(f"{url}/license/clearkey", _ask_for(samples), token[:-2] + "AA"),
        _ask(f"{url}/license/clearkey", b"{" + token.encode(), token),
        _ask(f"{url}/license/clearkey", _ask_for(samples), access),
        _ask(f"{base}/keys/{'0' * 32}"),
        _ask(f"{url}/v1/t/{token[:-1]}/tracks/{play['track_id']}/nonsense"),
        _ask(f"{url}/api/v1/playback/{play['track_id']}", b"", access[:-2] + "xx"),
    ]
    assert all(status >= 400 for status, _ in refused)
    return [body for _, body in refused]


def _break(run: Run, play: dict[str, str]) -> None:
    """Fail in every way that has to do with keys."""
    backup, passphrase = run.root / "backup.json", run.root / "passphrase"
    passphrase.write_text(PASSPHRASE)
    passphrase.chmod(0o600)
    run.command("keys", "backup", str(backup), "--passphrase-file", str(passphrase))
    (run.root / "wrong").write_text("another passphrase of one")
    (run.root / "wrong").chmod(0o600)
    wrong = ("--passphrase-file", str(run.root / "wrong"))
    run.command("keys", "restore", str(backup), *wrong, code=1)
    run.command("keys", "export", "Canary", "--out", str(run.root / "x"), code=1)
    kek, held = run.home / "kek.json", (run.home / "kek.json").read_bytes()
    kek.chmod(0o644)
    run.command("keys", "check", code=1)
    kek.chmod(0o600)
    for broken in (held[:-20], held.replace(b'"current": ', b'"current": 9'), b""):
        kek.write_bytes(broken)
        run.command("keys", "rotate", code=1)
    kek.write_bytes(held.replace(held.split(b'"')[-2][:8], b"00000000"))
    run.command("keys", "check", code=1)
    with run.origin() as url:  # a KEK that is another one than it says
        assert _ask(f"{url}/license/clearkey", b'{"kids":[]}', play["token"])[0] == 400
        keys = [key for _, _, key in run_keys(run, held)]
        assert _ask(f"{url}/license/clearkey", _ask_for(keys[:5]), play["token"])[0] == 503
    kek.write_bytes(held)
    with closing(sqlite3.connect(run.home / "catalog.db")) as database:
        database.execute("UPDATE keys SET tier = 'other' WHERE kid = (SELECT min(kid) FROM keys)")
        database.commit()
    run.command("keys", "rotate", code=1)


def run_keys(run: Run, held: bytes) -> list[tuple[str, Scheme, ContentKey]]:
    """The keys, by a KEK that is not in its place now."""
    kek = run.home / "kek.json"
    broken = kek.read_bytes()
    kek.write_bytes(held)
    try:
        return asyncio.run(_content_keys(run))
    finally:
        kek.write_bytes(broken)


def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "tmp").mkdir()
    watch = ProcessWatch()
    refusals: list[bytes] = []
    port = free_port()
    seen_by_operators = {
        "HEADWATER_MONITORING__LOG": "json",
        "HEADWATER_MONITORING__PORT": str(port),
    }
    with watch.running():
        _ingest(run)
        access = run.command("token", "mint").strip()
        play = json.loads(run.command("play", "Canary", "--json"))
        run.canaries.add_text("access token", access)
        run.canaries.add_text("playback token", play["token"])
        run.canaries.add_text("passphrase", PASSPHRASE)
        with run.origin() as url:
            refusals += _play(run, url, play, access)
            run.command("keys", "rotate")
        with run.origin(**seen_by_operators) as url:
            refusals += _play(run, url, play, access)
            time.sleep(1.2)  # until all workers have shown their figures
            run.said["figures"] = _ask(f"http://127.0.0.1:{port}/metrics")[1]
        _note_secrets(run)
        for tier, scheme, key in asyncio.run(_content_keys(run)):
            run.canaries.add(f"content key {tier} {scheme.value}", key.key)
        run.command("keys", "list")
        run.command("audit", "list")
        run.command("audit", "verify")
        _break(run, play)
        _note_secrets(run)
        run.command("audit", "export")
        run.command("config", "show")
    kept = [*_secret_files(run), tmp_path / "passphrase"]
    assert run.canaries.found_in(files_under(run.home)), "the search finds what is there"
    assert any(b"/license/clearkey" in said for said in run.said.values()), "requests are logged"
    assert any(b'"path": "/license/clearkey"' in said for said in run.said.values())
    assert b'headwater_licenses_granted_total{kind="license"} 2.0' in run.said["figures"]
    assert any("environment of" in place for place in watch.seen), "ffmpeg was seen"
    places = files_under(tmp_path, but=kept) | run.said | watch.seen
    places |= {f"refusal {number}": body for number, body in enumerate(refusals)}
    assert run.canaries.found_in(places) == []


def test_a_crash_leaves_no_core_file(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen(
        headwater("serve", "--port", "0"),
        env=run.environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        line = next(line for line in limits.splitlines() if line.startswith("Max core file"))
        assert line.split()[4:6] == ["0", "0"]
        process.send_signal(signal.SIGABRT)
        process.wait(10)
    assert not list(tmp_path.glob("core*"))
