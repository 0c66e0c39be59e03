"""What `scripts/soak/origin` does, and a short form of it in the tests."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from packager.model import ByteSpan
from tests.support import house as houses
from tests.support.house import House
from tests.support.house_process import serving_house, workers_of
from tests.support.listeners import Heard, listening

_LOOK_S = 1.0
_MEMORY = 24 << 20  # bytes by which a worker may grow between the second and the last third
_FILES = 8


@dataclass
class Worker:
    """What was seen of one worker at each look."""

    memory: list[int] = field(default_factory=list)  # resident bytes
    files: list[int] = field(default_factory=list)  # open descriptors

    def growth(self) -> tuple[int, int]:
        """From the middle third to the last: medians of memory and of open files."""
        third = max(1, len(self.memory) // 3)
        return _rise(self.memory, third), _rise(self.files, third)


@dataclass
class Soaked:
    """What a run showed."""

    heard: list[Heard]
    workers: dict[int, Worker]
    seconds: float

    def problems(self) -> list[str]:
        """What must not be."""
        found = [what for one in self.heard for _, what in one.failed]
        found += [f"wrong bytes: {url}" for one in self.heard for url in one.wrong]
        for pid, worker in self.workers.items():
            memory, files = worker.growth()
            if memory > _MEMORY:
                found.append(f"worker {pid} grew by {memory >> 20} MiB")
            if files > _FILES:
                found.append(f"worker {pid} has {files} more open files")
        return found

    def lines(self) -> list[str]:
        """For people."""
        done = sum(one.done for one in self.heard)
        size = sum(one.bytes for one in self.heard)
        slowest_s = max(one.slowest_s for one in self.heard)
        rate = f"{done} answers ({done / self.seconds:.0f}/s), {size / 1e9:.2f} GB"
        slowest = f"slowest {slowest_s * 1000:.0f} ms"
        lines = [f"{self.seconds:.0f} s: {rate}, every byte compared; {slowest}"]
        for pid, worker in self.workers.items():
            memory, files = worker.growth()
            lines.append(
                f"worker {pid}: {_megabytes(worker.memory)} MB resident at start, middle, end "
                f"({memory / 1e6:+.1f} MB from the middle third to the last), "
                f"{worker.files[-1]} open files ({files:+d})"
            )
        problems = self.problems()
        lines += [f"PROBLEM: {one}" for one in problems[:20]]
        return [*lines, "failed" if problems else "ok"]


async def soak(folder: Path, *, seconds: float, workers: int, listeners: int) -> Soaked:
    """Load an origin for so long."""
    house = await asyncio.to_thread(houses.build, folder / "house")
    token = await _token(house, seconds)
    # A cache that is too small: pieces come and go all the time.
    settings = {"workers": workers, "cache_bytes": 1 << 20}
    with serving_house(house.root, **settings) as (process, url):
        wanted = await _wanted(house, url, token)
        seen = {pid: Worker() for pid in workers_of(process) or [process.pid]}
        async with (
            listening(wanted, count=listeners) as kept,
            listening(wanted, count=max(1, listeners // 8), anew=True) as anew,
        ):
            began = time.monotonic()
            while time.monotonic() - began < seconds:
                await asyncio.sleep(_LOOK_S)
                for pid, worker in seen.items():
                    _look(pid, worker)
        return Soaked([kept, anew], seen, seconds)


async def _token(house: House, seconds: float) -> str:
    async with houses.open_deps(house) as deps:
        return houses.playback_token(deps, ttl_s=round(seconds) + 600)


async def _wanted(house: House, url: str, token: str) -> dict[str, str]:
    """Addresses of all kinds of media, and the hashes of what they have to give."""
    base = f"{url}/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}"
    stored = house.root / "storage/tracks" / houses.TRACK / houses.REVISION
    found = {}
    for one in house.package.renditions:
        data = (stored / one.file).read_bytes()
        spans = {f"{one.name}.mp4": ByteSpan(0, one.size), f"{one.name}/init.mp4": one.init}
        for number, segment in enumerate(one.segments, 1):
            spans[f"{one.name}/{number}.m4s"] = segment.span
        for path, span in spans.items():
            found[f"{base}/{path}"] = hashlib.sha256(data[span.start : span.end]).hexdigest()
    access = "-".join(houses.TIERS.order)
    manifests = [f"{base}/{access}/hls/multivariant.m3u8", f"{base}/{access}/dash/manifest.mpd"]
    async with aiohttp.ClientSession() as client:
        for address in manifests:
            async with client.get(address) as response:
                response.raise_for_status()
                found[address] = hashlib.sha256(await response.read()).hexdigest()
    return found


def _look(pid: int, worker: Worker) -> None:
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    worker.memory.append(int(resident.split()[1]) << 10)
    worker.files.append(sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def _megabytes(memory: list[int]) -> str:
    return ", ".join(
        f"{one / 1e6:.0f}" for one in (memory[0], memory[len(memory) // 2], memory[-1])
    )


def _rise(values: list[int], third: int) -> int:
    middle, last = values[third : 2 * third] or values[-1:], values[-third:]
    return round(statistics.median(last) - statistics.median(middle))
