"""A real S3 server: Ceph's RADOS gateway on one monitor and one storage daemon in memory.

Debian's packages radosgw, ceph-mon and ceph-osd. All of it listens on 127.0.0.1 and rests in one
scratch folder. `running(folder)` starts it (10 to 15 s) and stops it; `rgw` is one for the session.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from scripts.servers import free_port
from tests.servers.s3_server import S3Server

ACCESS_KEY = "AKHEADWATERTEST"
SECRET_KEY = "SKHEADWATERTEST/canary+5f1c0a9e"
KMS_KEY = "headwater-test-key"

_PROGRAMS = (
    "ceph",
    "ceph-authtool",
    "ceph-mon",
    "ceph-osd",
    "monmaptool",
    "radosgw",
    "radosgw-admin",
)
_START_S = 120
_COMMAND_S = 60

# One of everything, no authentication inside, small placement groups: it starts fast. The KMS of
# the gateway is its own, for tests: a key by name, in this file.
_CONF = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon_port}
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 4000
osd crush chooseleaf type = 0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr2 = false
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
pid file = {folder}/$name.pid
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
mon warn on pool no redundancy = false
keyring = {folder}/keyring
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw enable apis = s3, admin
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = {kms_key}=YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=
"""


def missing_programs() -> list[str]:
    """Those of Ceph's programs that are not on this machine."""
    return [name for name in _PROGRAMS if shutil.which(name) is None]


@pytest.fixture(scope="session")
def rgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A gateway for the whole session."""
    if missing := missing_programs():
        pytest.fail(f"not installed: {', '.join(missing)} (scripts/setup test installs them)")
    with running(tmp_path_factory.mktemp("rgw")) as server:
        yield server


@pytest.fixture(scope="session")
def rgw_bucket(rgw: S3Server) -> S3Server:
    """The gateway, with the tests' bucket on it."""
    from tests.servers.buckets import make_bucket  # noqa: PLC0415 - its clients load slowly

    make_bucket(rgw)
    return rgw


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """Start a gateway; at the end, however it comes, nothing of it runs any more."""
    with cluster(folder) as gateway:
        yield gateway.server


@dataclass
class Gateway:
    """The process that speaks S3. What it has said is stored is in another one, and stays."""

    server: S3Server
    conf: Path
    stack: ExitStack
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.process = _daemon(self.stack, self.conf, "radosgw", "-n", "client.rgw")
        _wait_for(self.server.address[1], self.process, self.conf.parent / "radosgw.out")

    def kill(self) -> None:
        """`kill -9`; it can be started again."""
        assert self.process is not None
        _kill(self.process)


@contextmanager
def cluster(folder: Path) -> Iterator[Gateway]:
    """Start a gateway that can be killed, and what is behind it."""
    mon_port, port = free_port(), free_port()
    conf = folder / "ceph.conf"
    conf.write_text(
        _CONF.format(fsid=uuid4(), folder=folder, mon_port=mon_port, port=port, kms_key=KMS_KEY)
    )
    for name in ("mon", "osd"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        _start_cluster(conf, mon_port, stack)
        server = S3Server("rgw", f"http://127.0.0.1:{port}", ACCESS_KEY, SECRET_KEY)
        gateway = Gateway(server, conf, stack)
        gateway.start()
        _make_user(conf)
        yield gateway


def _start_cluster(conf: Path, mon_port: int, stack: ExitStack) -> None:
    folder = conf.parent
    keyring, monmap, osd_id = folder / "keyring", folder / "monmap", str(uuid4())
    fsid = conf.read_text().partition("fsid = ")[2].partition("\n")[0]
    monitor = f"[v1:127.0.0.1:{mon_port}]"
    _run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", monitor, monmap)
    for name, args in (
        ("mon.", ("--create-keyring", "--cap", "mon", "allow *")),
        ("client.admin", ("--cap", "mon", "allow *", "--cap", "osd", "allow *")),
    ):
        _run("ceph-authtool", keyring, "--gen-key", "-n", name, *args)
    _run("ceph-mon", "-c", conf, "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
    _daemon(stack, conf, "ceph-mon", "-i", "a")
    _run("ceph", "-c", conf, "osd", "new", osd_id)
    _run("ceph-osd", "-c", conf, "-i", "0", "--mkfs", "--osd-uuid", osd_id)
    _start_osd(conf, stack)


def _start_osd(conf: Path, stack: ExitStack) -> None:
    """Seen now and then: it asks the monitor before it knows the cluster's id, and ends."""
    log = conf.parent / "osd.0.log"
    deadline = time.monotonic() + _START_S
    osd = _daemon(stack, conf, "ceph-osd", "-i", "0")
    while time.monotonic() < deadline:
        if "starting boot process" in log.read_text():
            return
        if osd.poll() is not None:
            osd = _daemon(stack, conf, "ceph-osd", "-i", "0")
        time.sleep(0.1)
    msg = f"the storage daemon does not start: {log.read_text()[-2000:]}"
    raise AssertionError(msg)


def _make_user(conf: Path) -> None:
    names = ("--uid", "test", "--display-name", "test")
    keys = ("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
    _run("radosgw-admin", "-c", conf, "user", "create", *names, *keys)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_S, check=False)
    if done.returncode:
        msg = f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
        raise AssertionError(msg)


def _daemon(stack: ExitStack, conf: Path, program: str, *args: str) -> subprocess.Popen[bytes]:
    """A daemon in the foreground, that dies with us even when we are killed."""
    out = stack.enter_context((conf.parent / f"{program}.out").open("wb"))
    process = subprocess.Popen(
        ("setpriv", "--pdeathsig", "KILL", program, "-c", conf, "-f", *args),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        cwd=conf.parent,
        env={**os.environ, "CEPH_CONF": str(conf)},
    )
    stack.callback(_kill, process)
    return process


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # its data is scratch: nothing to wait for
    process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    msg = f"the gateway does not answer: {said.read_text()[-2000:]}"
    raise AssertionError(msg)
