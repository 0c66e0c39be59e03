"""Which of many jobs are looked at next by somebody who watches them in the catalog."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import islice

from catalog import jobs
from catalog.engine import Catalog
from catalog.errors import CatalogError, CatalogUnavailable
from catalog.records import OVER, JobRecord, JobState

_log = logging.getLogger(__name__)

_AT_ONCE = 200  # of those that do not run: a row is read with its log, twice a second


class Rota:
    """Jobs that are not over: those that run are looked at each time, the others in turn.

    Workers take the oldest first, so what begins is among the first that were submitted.
    """

    def __init__(self, job_ids: Iterable[str]) -> None:
        self._running: dict[str, None] = {}
        self._others = dict.fromkeys(job_ids)
        self._is_away = False

    def __bool__(self) -> bool:
        """Tell whether any is left."""
        return bool(self._running or self._others)

    def turn(self) -> tuple[str, ...]:
        """Those to look at now."""
        return (*self._running, *islice(self._others, _AT_ONCE))

    def told(self, records: Sequence[JobRecord]) -> None:
        """What was seen of them."""
        self._is_away = False
        for record in records:
            self._running.pop(record.job_id, None)
            self._others.pop(record.job_id, None)
            if record.state is JobState.RUNNING:
                self._running[record.job_id] = None
            elif record.state not in OVER:
                self._others[record.job_id] = None  # behind all others

    def cannot(self, why: CatalogError) -> None:
        """The catalog is away. That is said once: the jobs go on, or wait for it as well."""
        if not self._is_away:
            _log.warning("jobs cannot be looked at: %s", why)
        self._is_away = True


async def look(catalog: Catalog, rota: Rota) -> Sequence[JobRecord]:
    """How the jobs are whose turn it is; none while the catalog is away."""
    try:
        async with catalog.connect(fresh=True) as tx:
            records = await jobs.get_all(tx, rota.turn())
    except CatalogUnavailable as exc:
        rota.cannot(exc)
        return ()
    rota.told(records)
    return records
