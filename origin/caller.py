"""Who asks, as far as the policy and the audit look at it."""

from __future__ import annotations

from typing import Protocol

from multidict import MultiMapping


class Caller(Protocol):
    """A request of aiohttp's, or a head that was read without aiohttp."""

    @property
    def headers(self) -> MultiMapping[str]:
        """All header fields."""
        ...

    @property
    def remote(self) -> str | None:
        """The address of the connection's other end."""
        ...
