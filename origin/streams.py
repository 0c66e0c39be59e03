"""The streams of accounts whose number is limited: counted in the catalog, for all workers.

A stream is a lease. Asking for playback renews it; manifests, keys and licenses do when half of its
time is over; segments never ask. So a stream costs two writes in its time, however many requests
there are, and one for each playback. What a worker has seen it believes for two seconds.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from catalog import streams
from catalog.engine import Catalog
from drm.model import Stream
from origin.cache import Cache, SingleFlight
from origin.outage import Known, Outage

_TRUST_S = 2.0
_REMEMBERED = 65536  # streams


class Streams:
    """One worker's view of the leases."""

    def __init__(self, catalog: Catalog, ttl_s: int, outage: Outage) -> None:
        self._catalog = catalog
        self._outage = outage
        self._ttl = timedelta(seconds=ttl_s)
        self._trust_s = min(_TRUST_S, ttl_s / 4)
        self._held: Cache[Stream, float] = Cache(_REMEMBERED)  # until when it is believed
        self._flights: SingleFlight[tuple[Stream, int], int] = SingleFlight()

    def is_held(self, stream: Stream) -> bool:
        """Whether the stream had its lease less than two seconds ago."""
        until = self._held.get(stream)
        return until is not None and time.monotonic() < until

    async def keep(self, stream: Stream, limit: int, *, renew: bool = False) -> int:
        """Begin or renew a stream if fewer than `limit` others of its account run.

        Returns how many others run: the stream has its lease where those are fewer than `limit`.
        `renew`: also where not half of its time is over.
        """
        if renew:
            return await self._keep(stream, limit, renew=True)
        if self.is_held(stream):
            return 0
        flight = (stream, limit)
        held = self._held.get(stream)
        return await self._outage.ask(
            lambda: self._flights.run(flight, lambda: self._keep(stream, limit, renew=False)),
            Known(0, held - self._trust_s) if held else None,  # who had a place keeps it
        )

    async def end(self, stream: Stream) -> None:
        """Free a stream's place now. What asks under its name begins it again."""
        async with self._catalog.begin() as tx:
            await streams.end(tx, stream.account, stream.session)
        self._held.put(stream, 0.0)

    async def _keep(self, stream: Stream, limit: int, *, renew: bool) -> int:
        asked = time.monotonic()
        now = datetime.now(UTC)
        async with self._catalog.connect(fresh=True) as tx:
            seen = await streams.look(tx, stream.account, stream.session, now)
        others = seen.others
        if renew or seen.until is None or seen.until - now < self._ttl / 2:
            if others >= limit:  # nothing is written for those who are refused
                return others
            async with self._catalog.begin() as tx:
                others = await streams.take(
                    tx,
                    stream.account,
                    stream.session,
                    limit=limit,
                    now=now,
                    until=now + self._ttl,
                )
        if others < limit:
            self._held.put(stream, asked + self._trust_s)
        return others

    async def close(self) -> None:
        """Stop what still runs."""
        await self._flights.close()
