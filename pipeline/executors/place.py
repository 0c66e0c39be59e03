"""A running item's place among those that run at once."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Place(Protocol):
    """What an item holds while it runs."""

    def left(self) -> AbstractAsyncContextManager[None]:
        """Give the place up for a while, to wait for other items; then take one again.

        Whoever waits for another item without leaving may wait for ever.
        """
        ...
