"""Several KEKs at a time: one wraps, all open what they wrapped.

That is how a catalog moves from one provider to another: both are there until everything is
wrapped by the new one.
"""

from __future__ import annotations

from collections.abc import Sequence

from drm.errors import WrongKek
from drm.kek import Kek, KekProvider, Wrapped


class KekSet:
    """A provider made of providers: the first wraps, rotates and gives its name."""

    def __init__(self, current: KekProvider, older: Sequence[KekProvider] = ()) -> None:
        self._current = current
        self._by_id = {one.id: one for one in (*older, current)}

    def __repr__(self) -> str:
        """Name them all."""
        return f"KekSet({self._current!r}, all={sorted(self._by_id)})"

    @property
    def id(self) -> str:
        """The name of the one that wraps."""
        return self._current.id

    @property
    def all(self) -> tuple[KekProvider, ...]:
        """All of them."""
        return tuple(self._by_id.values())

    async def current(self) -> Kek:
        """Name the version that new secrets are wrapped by."""
        return await self._current.current()

    async def versions(self) -> tuple[int, ...]:
        """The versions of the one that wraps."""
        return await self._current.versions()

    async def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt by the one that wraps."""
        return await self._current.wrap(plain, aad)

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt by the one that it names. WrongKek says which ones there are."""
        provider = self._by_id.get(wrapped.kek.id)
        if provider is None:
            problem = f"the KEKs at hand are {', '.join(sorted(self._by_id))}"
            raise WrongKek(wrapped.kek.id, wrapped.kek.version, problem)
        return await provider.unwrap(wrapped, aad)

    async def rotate(self) -> Kek:
        """Make a new version of the one that wraps."""
        return await self._current.rotate()

    async def retire(self, version: int) -> None:
        """Retire a version of the one that wraps."""
        await self._current.retire(version)
