"""Keys for contents that are packaged elsewhere: made once, and the same ever after.

A key belongs to (tenant, content id, KID, scheme). Whoever knows a KID of another content has
nothing of it, and no key of a track of ours is ever given so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from catalog import external_keys as rows
from catalog.engine import Catalog
from catalog.records import WrappedKeyRecord
from drm.audit import NOBODY, AuditEvent, Auditor
from drm.keyring import Keyring
from drm.model import ContentKey, KeyScope
from drm.speke import WantedKey
from packager.model import Kid, Scheme


@dataclass(frozen=True, slots=True)
class ExternalKeys:
    """Finds or makes such keys. Calls may be concurrent, in several processes."""

    catalog: Catalog
    keyring: Keyring
    tenant: str

    async def obtain(
        self,
        content_id: str,
        scheme: Scheme,
        wanted: Sequence[WantedKey],
        now: datetime,
        auditor: Auditor = NOBODY,
    ) -> dict[Kid, ContentKey]:
        """Return every wanted key. Of two calls that make the same one, both get the first's.

        What is made is audited before it is stored.
        """
        found = await self._stored(content_id, scheme, wanted)
        made = [
            await self._new(content_id, scheme, one) for one in wanted if one.kid.value not in found
        ]
        if made:
            whats = [_what(record) for record in made]
            await auditor.record(AuditEvent.KEY_CREATED, "speke", *whats)
            async with self.catalog.begin() as tx:
                await rows.add(tx, made, now)
            found = await self._stored(content_id, scheme, wanted)
        opened = [await self.keyring.unwrap(record) for record in found.values()]
        return {key.kid: key for key in opened}

    async def _stored(
        self, content_id: str, scheme: Scheme, wanted: Sequence[WantedKey]
    ) -> dict[bytes, WrappedKeyRecord]:
        kids = [one.kid.value for one in wanted]
        async with self.catalog.connect(fresh=True) as tx:
            found = await rows.of_content(tx, self.tenant, content_id, scheme.value, kids)
        return {record.kid: record for record in found}

    async def _new(self, content_id: str, scheme: Scheme, one: WantedKey) -> WrappedKeyRecord:
        key = self.keyring.new_key(scheme)
        named = replace(key, kid=one.kid, iv=one.iv or key.iv)
        scope = KeyScope(self.tenant, content_id, rows.REVISION, rows.TIER, scheme)
        return await self.keyring.wrap(named, scope)


def _what(record: WrappedKeyRecord) -> dict[str, object]:
    return {
        "kid": Kid(record.kid).hex,
        "content": record.track_id,
        "scheme": record.scheme,
        "kek": record.kek_id,
        "version": record.kek_version,
    }
