"""Content keys that somebody else makes: what an ingest asks for, whoever answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from drm.errors import DrmError
from drm.model import ContentKey
from packager.model import KeySignaling, Scheme


class KeyProviderFailed(DrmError):
    """The key provider gave no key; the message names it and says why."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"key provider {url}: {problem}")


@dataclass(frozen=True, slots=True)
class ProvidedKey:
    """A key of a provider, and what it wants key systems to be told."""

    key: ContentKey
    signaling: KeySignaling


class KeyProvider(Protocol):
    """A key server of another's, such as `drm.speke_client` speaks to."""

    @property
    def url(self) -> str:
        """Where it is, for messages."""
        ...

    async def key(self, content_id: str, scheme: Scheme) -> ProvidedKey:
        """Get a new key for a content, `cenc` or `cbcs`. KeyProviderFailed where it gives none."""
        ...


def tier_content_id(track_id: str, tier: str) -> str:
    """The content id of one tier of a track. Our own profile: see docs/cpix.md."""
    return f"{track_id}/{tier}"


async def keys_of_tiers(
    provider: KeyProvider, track_id: str, tiers: Sequence[str], scheme: Scheme
) -> dict[str, ProvidedKey]:
    """A key for each tier. KeyProviderFailed as `key`, and where two tiers got one key."""
    asked = (provider.key(tier_content_id(track_id, tier), scheme) for tier in tiers)
    found = dict(zip(tiers, await asyncio.gather(*asked), strict=True))
    if len({one.key.key for one in found.values()}) < len(found):
        raise KeyProviderFailed(provider.url, "two tiers got one key")
    return found
