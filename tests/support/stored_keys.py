"""A catalog full of wrapped keys, and what they are in the clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from catalog.engine import Catalog
from catalog.publish import publish
from catalog.records import WrappedKeyRecord
from drm.keyring import Keyring
from drm.model import ContentKey, KeyScope
from packager.model import Scheme
from tests.support.publications import make_publication

TIERS = ("standard", "premium", "lossless")
SCHEMES = (Scheme.CBCS, Scheme.AES_128)


async def store_keys(
    catalog: Catalog, keyring: Keyring, tracks: int, *, first: int = 0, tiers: Sequence[str] = TIERS
) -> dict[bytes, ContentKey]:
    """Publish tracks with two keys for each tier; returns the keys by KID."""
    known: dict[bytes, ContentKey] = {}
    for number in range(first, first + tracks):
        publication = make_publication(chr(ord("a") + number))
        track_id, revision = publication.track.track_id, publication.revision.revision
        records: list[WrappedKeyRecord] = []
        for tier in tiers:
            for scheme in SCHEMES:
                key = keyring.new_key(scheme)
                known[key.kid.value] = key
                scope = KeyScope("default", track_id, revision, tier, scheme)
                records.append(await keyring.wrap(key, scope))
        async with catalog.begin() as tx:
            await publish(tx, replace(publication, keys=tuple(records)), datetime.now(UTC))
    return known
