"""Going on with uploads that are whole and have no job, whether their senders come back or not.

Somebody died between the last byte and the job, or the master could not be looked at (the scanner
was away). All workers of all origins do this; a lock for each upload keeps them apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from catalog import uploads
from catalog.engine import Catalog
from catalog.errors import CatalogError
from origin.problems import OriginError

_LOG = logging.getLogger("headwater.origin")
_PAGE = 100

Look = Callable[[str, str], Awaitable[object]]  # of an owner and an upload's id


@dataclass(frozen=True, slots=True)
class Recovery:
    """Looks for them: `look` makes a job of one, or refuses it."""

    catalog: Catalog
    tenant: str
    every_s: float
    look: Look

    async def run(self) -> None:
        """Now, and again and again, until canceled."""
        while True:
            try:
                await self._once()
            except CatalogError as exc:
                _LOG.warning("whole uploads cannot be looked for: %s", exc)
            # Not all at the same time: who comes later finds little to do.
            await asyncio.sleep(self.every_s * random.uniform(0.75, 1.25))

    async def _once(self) -> None:
        after = ""
        while True:
            async with self.catalog.connect(fresh=True) as tx:
                whole = await uploads.whole_page(tx, self.tenant, after, _PAGE)
            for record in whole:
                try:
                    await self.look(record.owner, record.upload_id)
                except OriginError:  # it is refused, or another worker does it, or nobody can yet
                    continue
                except OSError as exc:
                    _LOG.warning("upload %s: %s", record.upload_id, exc)
            if len(whole) < _PAGE:
                return
            after = whole[-1].upload_id
