"""A KEK in an environment variable: for containers whose secrets arrive that way."""

from __future__ import annotations

import hashlib
from typing import Self

from drm import secret_file
from drm.errors import KekRefused, KekUnavailable
from drm.kek import Kek, KekVersions, Wrapped

_ID_LABEL = b"headwater KEK id\0"


class EnvKek:
    """A KEK that was given as text and stays what it is while the program runs.

    The text is the JSON of a KEK file, in one or several versions, or 64 hex digits: one version,
    named by a hash of it, so that another one is known to be another.
    """

    def __init__(self, place: str, versions: KekVersions) -> None:
        self._place = place
        self._held = versions

    def __repr__(self) -> str:
        """Show everything but the keys."""
        return f"EnvKek({self._place!r}, {self._held!r})"

    @classmethod
    def parse(cls, variable: str, text: str | None) -> Self:
        """Read the variable's text; KekUnavailable where there is none, or none that is a KEK."""
        place = f"environment variable {variable}"
        if not text:
            problem = "it is not set, and drm.kek_provider says that the KEK is in it"
            raise KekUnavailable(place, problem, "set it to a KEK file's text or to 64 hex digits")
        key = secret_file.secret_bytes(text.strip())
        if key is None:
            value = secret_file.parse(place, text.encode(), KekUnavailable)
            return cls(place, KekVersions.parse(place, value))
        name = f"env-{hashlib.sha256(_ID_LABEL + key).hexdigest()[:8]}"
        return cls(place, KekVersions(name, 1, {1: key}))

    def export(self) -> KekVersions:
        """The KEK itself, for a backup."""
        return self._held

    @property
    def id(self) -> str:
        """The name that all its versions share."""
        return self._held.current.id

    async def current(self) -> Kek:
        """Name the version that new secrets are wrapped by."""
        return self._held.current

    async def versions(self) -> tuple[int, ...]:
        """The versions in the text."""
        return self._held.numbers

    async def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt by the current version."""
        return self._held.wrap(plain, aad)

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt under whichever of the versions it was wrapped by."""
        return self._held.unwrap(wrapped, aad)

    async def rotate(self) -> Kek:
        """KekRefused: a program cannot change what it was given."""
        what = "add a version to its JSON, make that `current`, and rotate again"
        raise KekRefused(f"{self._place}: cannot be changed from here ({what})")

    async def retire(self, version: int) -> None:
        """KekRefused: a program cannot change what it was given."""
        raise KekRefused(
            f"{self._place}: cannot be changed from here (remove version {version} from its JSON)"
        )
