"""What operators do with stored keys: look whether all open, export them, retire a KEK version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog import external_keys, keks, keys
from catalog.engine import Catalog
from catalog.records import KekRecord, WrappedKeyRecord
from drm.audit import AuditEvent, Auditor
from drm.errors import KekRefused, WrongKek
from drm.kek import Kek
from drm.keyring import Keyring, key_name, scope_of
from drm.model import ContentKey, KeyScope
from packager.model import Kid

_PAGE = 500
_NAMED = 5  # keys in the words of a refusal
# An ingest that wrapped under the old version may still be about to publish; and a backup of the
# catalog from before the rotation needs it.
RETIRE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether stored keys open."""

    under: dict[Kek, int]  # keys by the KEK version that they name
    failed: tuple[str, ...]  # `KID: why`


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key in the clear with what it is for. Its bytes never show in `repr`."""

    key: ContentKey
    scope: KeyScope


async def all_keys(
    catalog: Catalog, track_id: str | None = None
) -> AsyncIterator[WrappedKeyRecord]:
    """Go through stored keys by KID, page by page: other work goes on in between."""
    after = b""
    while True:
        async with catalog.connect() as tx:
            page = await keys.page(tx, after, _PAGE, track_id=track_id)
        for record in page:
            yield record
        if len(page) < _PAGE:
            return
        after = page[-1].kid


async def external(catalog: Catalog) -> AsyncIterator[WrappedKeyRecord]:
    """Go through the keys that packagers of another make were given."""
    after = 0
    while True:
        async with catalog.connect() as tx:
            page = await external_keys.page(tx, after, _PAGE)
        for _, record in page:
            yield record
        if len(page) < _PAGE:
            return
        after = page[-1][0]


async def check(catalog: Catalog, keyring: Keyring) -> Checked:
    """Open every key, and keep none. Raises only where the KEK itself is away."""
    under: dict[Kek, int] = {}
    failed: list[str] = []
    for records in (all_keys(catalog), external(catalog)):
        async for record in records:
            kek = Kek(record.kek_id, record.kek_version)
            under[kek] = under.get(kek, 0) + 1
            try:
                await keyring.unwrap(record)
            except WrongKek as exc:
                failed.append(f"{key_name(record)}: {exc}")
    return Checked(under, tuple(failed))


async def export(
    catalog: Catalog, keyring: Keyring, auditor: Auditor, *, of: tuple[str, str] | None
) -> tuple[OpenKey, ...]:
    """Open the keys of a (track, revision), or all; each is in the audit before it is returned."""
    opened: list[OpenKey] = []
    whats: list[dict[str, object]] = []
    async for record in all_keys(catalog, of and of[0]):
        if of is not None and record.revision != of[1]:
            continue
        opened.append(OpenKey(await keyring.unwrap(record), scope_of(record)))
        whats.append({"kid": Kid(record.kid).hex, "track": record.track_id, "tier": record.tier})
    await auditor.record(AuditEvent.KEYS_EXPORTED, "export", *whats)
    return tuple(opened)


async def retire(
    catalog: Catalog,
    keyring: Keyring,
    auditor: Auditor,
    version: int,
    *,
    now: Callable[[], datetime],
    at_once: bool = False,
) -> None:
    """Make a version of the current KEK open nothing any more.

    KekRefused while a key is wrapped by it, or while it was the current one a day ago.
    """
    kek = Kek(keyring.kek.id, version)
    if version not in await keyring.kek.versions():
        raise KekRefused(f"KEK {kek.id} has no version {version}")
    async with catalog.connect() as tx:
        under = await keys.count_under(tx)
        counted = await keks.all_versions(tx)
        left = await keys.under_at_most(tx, kek.id, version, _NAMED)
    if count := sum(
        number for (name, v), number in under.items() if name == kek.id and v <= version
    ):
        named = ", ".join(map(key_name, left)) + ("" if count == len(left) else ", ...")
        raise KekRefused(
            f"{count} keys need version {version} or older ones (rotate first; those that do not"
            f" open have to be restored, or their tracks taken down for ever): {named}"
        )
    if not at_once and not _is_long_ago(counted, kek, now()):
        raise KekRefused(
            f"version {version} was in use less than a day ago: an ingest may be about to publish"
            " keys under it (wait, or say --now)"
        )
    await auditor.record(AuditEvent.KEK_RETIRED, "retire", {"kek": kek.id, "version": version})
    await keyring.kek.retire(version)


def _is_long_ago(counted: tuple[KekRecord, ...], kek: Kek, now: datetime) -> bool:
    later = [one for one in counted if one.kek_id == kek.id and one.version > kek.version]
    return any(now - one.first_used_at >= RETIRE_AFTER for one in later)
