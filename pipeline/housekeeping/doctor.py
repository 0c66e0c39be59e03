"""Whether this machine is fit for the work. One line for each part, with what to do about it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from configs.paths import nearest_existing
from configs.settings import FfmpegSettings
from pipeline.errors import EncoderFailed, ToolMissing
from pipeline.ffmpeg.binaries import Tools, find_tools
from pipeline.ffmpeg.process import Limits, run
from storage.base import ObjectStore, StorageError

_ENCODERS = ("aac", "libopus", "flac")
_PROBE = "doctor/probe-"
_SKEW_S = 5.0  # tokens allow a minute; playlists of a day ago hide more than that
_SLOW_S = 2.0  # a put, a list and a delete of a few bytes


class State(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part."""

    part: str
    state: State
    said: str
    remedy: str = ""


def ok(part: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(part, State.OK, said)


def warn(part: str, said: str, remedy: str) -> Finding:
    """It works, and should be better."""
    return Finding(part, State.WARN, said, remedy)


def fail(part: str, said: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(part, State.FAIL, said, remedy)


async def examine_ffmpeg(settings: FfmpegSettings) -> list[Finding]:
    """The program, its version and its encoders."""
    try:
        tools = await find_tools(settings)
        missing = await _missing_encoders(tools)
    except (ToolMissing, EncoderFailed) as exc:
        return [fail("ffmpeg", str(exc), "`pip install headwater[ffmpeg]`")]
    if missing:
        said = f"{tools.label} at {tools.ffmpeg} has no encoder {', '.join(missing)}"
        return [fail("ffmpeg", said, "`pip install headwater[ffmpeg]`")]
    found = ok("ffmpeg", f"{tools.label} at {tools.ffmpeg}")
    if not tools.encodes_in_parallel:
        said = f"{tools.label}: encoders of one process run in turn, each decodes again"
        found = warn("ffmpeg", said, "`pip install headwater[ffmpeg]` has a newer one")
    return [found, _sandbox(tools)]


def _sandbox(tools: Tools) -> Finding:
    if tools.sandbox is not None:
        return ok("sandbox", f"ffmpeg runs in {tools.sandbox.bwrap}, without network")
    remedy = "`apt install bubblewrap`, and allow user namespaces"
    return warn("sandbox", "ffmpeg runs with limits, and without bubblewrap", remedy)


def examine_disk(folders: Iterable[Path], least_bytes: int) -> list[Finding]:
    """Room where an ingest writes; each file system once."""
    findings: dict[int, Finding] = {}
    for folder in folders:
        there = nearest_existing(folder)
        status = os.statvfs(there)
        free = status.f_bavail * status.f_frsize
        said = f"{free / 1e9:.1f} GB free at {folder}"
        device = there.stat().st_dev
        if status.f_files and status.f_favail < 10_000:
            findings[device] = fail(
                "disk", f"{status.f_favail} inodes left at {folder}", "free some"
            )
        elif free < least_bytes:
            remedy = f"free some: ingests wait below {least_bytes / 1e9:.1f} GB (min_free_bytes)"
            findings[device] = fail("disk", said, remedy)
        else:
            findings.setdefault(device, ok("disk", said))
    return list(findings.values())


def examine_permissions(home: Path, secret_files: Iterable[Path]) -> list[Finding]:
    """Nobody else reads the secrets, and we can write where we must."""
    if not home.exists():
        return [ok("permissions", f"{home} will be made at first use")]
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return [fail("permissions", f"{home} cannot be written", f"chown it to uid {os.getuid()}")]
    findings = []
    for path in (home, *secret_files):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            mode = 0o700 if path.is_dir() else 0o600
            state = warn if path.is_dir() else fail
            findings.append(
                state("permissions", f"{path} is open to other users", f"chmod {mode:o} {path}")
            )
    return findings or [ok("permissions", f"{home} and its secrets are for their owner only")]


async def examine_store(store: ObjectStore) -> list[Finding]:
    """Write, find, read and delete an object; what the store's clock says of it."""
    key = f"{_PROBE}{secrets.token_hex(8)}"
    began = datetime.now(UTC)
    try:
        await store.put(key, b"headwater doctor\n")
        try:
            found = [info async for info in store.list(key)]
            data = await store.get(key)
        finally:
            await store.delete(key)
    except StorageError as exc:
        return [
            fail("storage", str(exc), "check the path or bucket, its credentials and its rights")
        ]
    took_s = (datetime.now(UTC) - began).total_seconds()
    if not found or data != b"headwater doctor\n":
        said = f"{store.locate(key)} did not give back what was written"
        return [fail("storage", said, "use another store: objects would be lost in this one")]
    said = f"written, listed, read and deleted in {took_s * 1000:.0f} ms"
    storage = ok("storage", said) if took_s < _SLOW_S else warn("storage", said, "look at its load")
    if found[0].modified is None:
        return [storage]
    return [storage, clock_finding("clock", "the storage's", found[0].modified, began)]


def clock_finding(part: str, whose: str, theirs: datetime, ours: datetime) -> Finding:
    """How far two clocks are apart."""
    skew_s = (theirs - ours).total_seconds()
    said = f"{whose} clock is within {max(abs(skew_s), 0.1):.1f} s of ours"
    if abs(skew_s) <= _SKEW_S:
        return ok(part, said)
    said = f"{whose} clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} ours"
    return fail(part, said, "set both by NTP: tokens and leases go by the clock")


async def _missing_encoders(tools: Tools) -> list[str]:
    said = await run([str(tools.ffmpeg), "-v", "error", "-encoders"], Limits(deadline_s=20))
    there = {line.split()[1] for line in said.stdout.decode().splitlines() if len(line.split()) > 1}
    return [name for name in _ENCODERS if name not in there]
