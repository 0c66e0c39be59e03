"""Who does the jobs of a batch: this process, side by side (`local`), or workers (`celery`).

An executor delivers work and hands back results; the state of a job is its row in the catalog.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog.records import JobQueue
from pipeline.executors.place import Place
from pipeline.progress import Outcome

__all__ = ["Courier", "Executor", "Order", "Place"]


@dataclass(frozen=True, slots=True)
class Order:
    """A job that is in the catalog, and the master that it is for."""

    job_id: str
    source: Path
    queue: JobQueue
    is_own: bool = True  # made by this order; False: somebody had asked for the same before


class Executor(Protocol):
    """Has jobs done."""

    def run(self, orders: Sequence[Order]) -> AsyncIterator[Outcome]:
        """See jobs to their ends; the outcomes come in the order that the jobs end."""
        ...


class Courier(Protocol):
    """Tells workers that there are jobs. A message may be lost, or come twice: the row counts."""

    async def deliver(self, job_ids: Sequence[str], queue: JobQueue) -> None:
        """Send a message for each. BrokerUnavailable: a sweep sends them later."""
        ...
