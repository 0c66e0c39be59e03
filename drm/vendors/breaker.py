"""A circuit breaker: whoever does not answer is left alone for a while, then tried by one."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Closed: all may ask. Open, after so many failures in a row: nobody, for a time. Then one.

    Within one event loop. Whoever was let in says how it went, exactly once.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        pause_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._pause_s = pause_s
        self._clock = clock
        self._failures = 0  # in a row
        self._open_until: float | None = None
        self._is_probed = False  # by one who has not come back yet

    @property
    def is_open(self) -> bool:
        """Whether the next one would be turned away."""
        if self._open_until is None:
            return False
        return self._is_probed or self._clock() < self._open_until

    def enter(self) -> bool:
        """Ask to be let in; False: turn back."""
        if self.is_open:
            return False
        self._is_probed = self._open_until is not None
        return True

    def succeeded(self) -> None:
        """There was an answer."""
        self._failures = 0
        self._open_until = None
        self._is_probed = False

    def failed(self) -> None:
        """There was none. Of several who were inside together, each counts."""
        self._failures += 1
        self._is_probed = False
        if self._failures >= self._limit:
            self._open_until = self._clock() + self._pause_s

    def left(self) -> None:
        """Whoever was inside has gone without waiting for an answer: nothing is known."""
        self._is_probed = False
