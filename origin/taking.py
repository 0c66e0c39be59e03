"""How fast a client takes what it was sent. Pure: times and sizes are given."""

from __future__ import annotations

from typing import Final

LEAST: Final = 1 << 10  # bytes/s, over the time that a client has for taking something
_LATELY_S = 5.0  # longer than a loss of packets, or a change of cells, keeps one from taking


class Taking:
    """One client's, from when something was left unsent until nothing is.

    `pace`: bytes/s of the last five seconds that are over, or more while it takes more.
    """

    __slots__ = ("_late", "_late_at", "_since", "_taken", "pace")

    def __init__(self, now: float, taken: int) -> None:
        """`taken`: bytes, since the connection began; so below."""
        self._since = self._late_at = now
        self._taken = self._late = taken
        self.pace: float | None = None  # not known yet

    def goes_on(self, now: float, taken: int, limit_s: float) -> bool:
        """Whether it took `LEAST` in each second of the last `limit_s`, if these are over."""
        if now - self._late_at >= _LATELY_S:
            self.pace = (taken - self._late) / (now - self._late_at)
            self._late_at, self._late = now, taken
        if now - self._since < limit_s:
            return True
        is_enough = taken - self._taken >= LEAST * (now - self._since)
        self._since, self._taken = now, taken
        return is_enough
