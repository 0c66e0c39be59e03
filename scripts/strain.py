"""What a machine and its processes went through meanwhile: whose fault an error is. Linux."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_OVERFLOWS = "ListenOverflows"  # connections that nobody accepted in time


class Scheduled(NamedTuple):
    """Of a thread, since it began."""

    ran_s: float
    waited_s: float  # it could have gone on, but others had its core


@dataclass(frozen=True, slots=True)
class Moment:
    """Counters of a machine, which only grow, and of main threads by their names."""

    at_s: float
    overflows: int
    threads: dict[str, Scheduled]

    @classmethod
    def now(cls, processes: Mapping[str, int]) -> Moment:
        """Those of now; `processes` are ids by name."""
        return cls(
            time.monotonic(),
            _network()[_OVERFLOWS],
            {name: scheduled(pid) for name, pid in processes.items()},
        )

    def since(self, before: Moment) -> dict[str, object]:
        """What came in between, in words: the shares are of the time."""
        seconds = self.at_s - before.at_s
        found: dict[str, object] = {"connections_not_accepted": self.overflows - before.overflows}
        for name, (ran, waited) in self.threads.items():
            ran_before, waited_before = before.threads[name]
            found[name] = (
                f"worked {(ran - ran_before) / seconds:.0%} of the time,"
                f" waited {(waited - waited_before) / seconds:.0%} for a core"
            )
        return found


def _network() -> dict[str, int]:
    names, values = Path("/proc/net/netstat").read_text().splitlines()[:2]  # TcpExt
    return dict(zip(names.split()[1:], map(int, values.split()[1:]), strict=True))


def scheduled(pid: int) -> Scheduled:
    """What a process's main thread has had so far."""
    return _scheduled(Path(f"/proc/{pid}"))


def ran_in_all_s(pid: int) -> float:
    """What all threads of a process have had that it has now; SQLite writes in one of its own."""
    return sum(_scheduled(one).ran_s for one in Path(f"/proc/{pid}/task").iterdir())


def _scheduled(thread: Path) -> Scheduled:
    ran, waited, _ = (thread / "schedstat").read_text().split()
    return Scheduled(int(ran) / 1e9, int(waited) / 1e9)
