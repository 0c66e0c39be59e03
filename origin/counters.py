"""What a worker counts on its way to the bytes: plain integers, for the metrics to read.

Nothing is reset; a reader takes differences. Requests themselves are counted where the access log
is written (`origin.access_log`), also those that `origin.connection` answers before aiohttp.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Since the worker began. Pieces are segments, init segments and pictures.

    What memory answers, its cache counts: `origin.cache`.
    """

    disk_hits: int = 0  # pieces from the second level
    disk_bytes: int = 0
    disk_errors: int = 0  # reads and writes of the second level that failed, or were not as written
    store_reads: int = 0  # pieces from the store
    store_bytes: int = 0
    store_errors: int = 0
    read_ahead: int = 0  # pieces read before anybody asked
