"""What operators want to know that is no worker's own: jobs, disks, the certificate.

It is looked up when Prometheus asks, at most every five seconds, by the worker that answers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from catalog import deliveries, jobs
from catalog.engine import Catalog
from catalog.errors import CatalogError
from catalog.records import JobQueue, JobState
from configs.settings import OriginSettings
from configs.telemetry.series import Family, Meters
from drm.certificates import not_after
from storage.base import ObjectStore

_LOG = logging.getLogger("headwater.origin")

_TRUST_S = 5.0
_WAIT_S = 4.0  # Prometheus gives up after ten: what does not answer by then is away
_STATES = (JobState.QUEUED, JobState.WAITING, JobState.RUNNING, JobState.PARKED, JobState.FAILED)


class Operations:
    """Figures of one installation: whichever origin is asked, they are the same."""

    def __init__(self, catalog: Catalog, store: ObjectStore, settings: OriginSettings) -> None:
        self._catalog = catalog
        place = store.locate("covers/x")
        self._disk = Path(place).parents[1] if place.startswith("/") else None  # a bucket
        self._certificate = settings.tls_certificate
        self._looked_s = -_TRUST_S
        meters = Meters()
        self._families = meters.families
        self._jobs = meters.gauge("headwater_jobs", "Ingest jobs.", "queue", "state")
        self._oldest = meters.gauge(
            "headwater_job_oldest_seconds",
            "How long the job has waited that has waited the longest for a worker.",
            "queue",
        )
        self._up = meters.gauge("headwater_catalog_up", "Whether the catalog answers.")
        self._free = meters.gauge(
            "headwater_disk_free_bytes", "Room where objects are stored, in a folder.", "place"
        )
        self._size = meters.gauge("headwater_disk_size_bytes", "Size of that disk.", "place")
        self._expiry = meters.gauge(
            "headwater_tls_certificate_expiry_time_seconds",
            "When the certificate of the origin ends (Unix).",
            "place",
        )

    async def look(self) -> dict[str, Family]:
        """The figures now."""
        if time.monotonic() - self._looked_s >= _TRUST_S:
            self._looked_s = time.monotonic()
            await self._look_at_jobs()
            self._look_at_disk()
            self._look_at_certificate()
        return self._families

    async def _look_at_jobs(self) -> None:
        try:
            async with asyncio.timeout(_WAIT_S), self._catalog.connect() as tx:
                counts = await jobs.count(tx)
                oldest = {queue: await deliveries.oldest_queued(tx, queue) for queue in JobQueue}
        except (CatalogError, TimeoutError) as error:
            _LOG.warning("the catalog does not tell of jobs: %s", error)
            self._up.put(0)
            return
        now = datetime.now(UTC)
        self._up.put(1)
        for queue in JobQueue:
            for state in _STATES:
                self._jobs.put(counts.get((queue, state), 0), queue.value, state.value)
            since = oldest[queue]
            self._oldest.put(0 if since is None else (now - since).total_seconds(), queue.value)

    def _look_at_disk(self) -> None:
        if self._disk is None:
            return
        try:
            found = os.statvfs(self._disk)
        except OSError:
            return
        self._free.put(found.f_bavail * found.f_frsize, str(self._disk))
        self._size.put(found.f_blocks * found.f_frsize, str(self._disk))

    def _look_at_certificate(self) -> None:
        if self._certificate is None:
            return
        try:
            self._expiry.put(not_after(self._certificate).timestamp(), str(self._certificate))
        except (OSError, ValueError) as error:
            _LOG.warning("%s: %s", self._certificate, error)
