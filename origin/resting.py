"""Redis left alone for a while after it did not answer: by all who ask it, each of them once."""

from __future__ import annotations

import logging
import time

_LOG = logging.getLogger("headwater.origin")
_REST_S = 5.0


class Resting:
    """Whether it is left alone. One for all users of a client."""

    def __init__(self) -> None:
        self._until = 0.0  # time.monotonic()

    @property
    def is_on(self) -> bool:
        """Whether nobody should ask it now."""
        return time.monotonic() < self._until

    def begin(self, exc: Exception) -> None:
        """Leave it alone from now on: it failed."""
        if not self.is_on:
            _LOG.warning("Redis does not answer: each worker counts and remembers alone: %s", exc)
        self._until = time.monotonic() + _REST_S
