"""The keys of a new revision: a vendor's or ours, wrapped for the catalog, their making audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.records import WrappedKeyRecord
from drm.audit import AuditEvent, Auditor
from drm.key_provider import KeyProvider, ProvidedKey, keys_of_tiers
from drm.keyring import Keyring
from drm.model import ContentKey, KeyScope
from packager.model import Kid, Scheme
from pipeline.ladder import RenditionSpec


async def wrap_keys(
    keyring: Keyring,
    auditor: Auditor,
    keys: Mapping[tuple[str, Scheme], ContentKey],
    *,
    tenant: str,
    track_id: str,
    revision: str,
    job_id: str,
) -> tuple[WrappedKeyRecord, ...]:
    """Make the rows to publish. Must not run inside a write transaction of the catalog."""
    records = tuple(
        [
            await keyring.wrap(key, KeyScope(tenant, track_id, revision, tier, scheme))
            for (tier, scheme), key in keys.items()
        ]
    )
    whats = [_what(record, job_id) for record in records]
    await auditor.record(AuditEvent.KEY_CREATED, "ingest", *whats)
    return records


async def provided_keys(
    provider: KeyProvider | None,
    track_id: str,
    specs: Sequence[RenditionSpec],
    scheme: Scheme,
) -> dict[str, ProvidedKey]:
    """The keys of a vendor by tier; none where we make our own. Raises KeyProviderFailed."""
    if provider is None or scheme is Scheme.CLEAR:
        return {}
    tiers = tuple(dict.fromkeys(spec.tier for spec in specs))
    return await keys_of_tiers(provider, track_id, tiers, scheme)


def _what(record: WrappedKeyRecord, job_id: str) -> dict[str, object]:
    return {
        "kid": Kid(record.kid).hex,
        "track": record.track_id,
        "revision": record.revision,
        "tier": record.tier,
        "scheme": record.scheme,
        "kek": record.kek_id,
        "version": record.kek_version,
        "job": job_id,
    }
