"""Content keys: made at random, wrapped for the catalog, unwrapped for a player.

A wrapped key is bound to everything it is for (tenant, track, revision, tier, scheme, KID, IV)
and to the KEK's id and version: a row whose fields were exchanged with another's does not open.
"""

from __future__ import annotations

import secrets
import time
from functools import lru_cache
from typing import Protocol
from uuid import uuid4

from catalog.records import WrappedKeyRecord
from drm.canonical import join
from drm.errors import KekAway, KekUnavailable, WrongKek
from drm.kek import Kek, KekProvider, Wrapped
from drm.key_cache import KeyCache
from drm.model import ContentKey, KeyScope
from packager.model import Kid, Scheme

_KEY_BYTES = 16  # AES-128, the only key length of ISO/IEC 23001-7
_IV_BYTES = {Scheme.CBCS: 16, Scheme.CENC: 8, Scheme.AES_128: 16}
_LABEL = "headwater content key"
_FORMAT = 1
_PATIENCE_S = 10.0  # how long a key service that did not answer is left alone


class Budget(Protocol):
    """Counts wraps before they are made."""

    async def take(self, kek: Kek) -> None:
        """Count one. KekExhausted when that version has wrapped enough."""
        ...


class Keyring:
    """Makes and opens content keys with the KEK it is given. Calls may be concurrent.

    With a `cache`, which a KEK of a key service needs, a key that was opened opens again while
    that service is away.
    """

    def __init__(
        self, kek: KekProvider, *, budget: Budget | None = None, cache: KeyCache | None = None
    ) -> None:
        self._kek = kek
        self._budget = budget
        self._cache = cache
        self._away_until = 0.0  # time.monotonic()

    @property
    def kek(self) -> KekProvider:
        """What wraps."""
        return self._kek

    def new_key(self, scheme: Scheme) -> ContentKey:
        """Make a random key with a random KID and IV; ValueError for a scheme that has no key."""
        if scheme not in _IV_BYTES:
            msg = f"scheme {scheme.value} has no key"
            raise ValueError(msg)
        return ContentKey(
            kid=Kid(uuid4().bytes),
            key=secrets.token_bytes(_KEY_BYTES),
            iv=secrets.token_bytes(_IV_BYTES[scheme]),
        )

    async def wrap(self, key: ContentKey, scope: KeyScope) -> WrappedKeyRecord:
        """Make the row to store for a key. Not inside a write transaction: wraps are counted."""
        if self._budget is not None:
            await self._budget.take(await self._kek.current())
        wrapped = await self._kek.wrap(key.key, _aad(scope, key.kid, key.iv))
        return WrappedKeyRecord(
            kid=key.kid.value,
            tenant=scope.tenant,
            track_id=scope.track_id,
            revision=scope.revision,
            tier=scope.tier,
            scheme=scope.scheme.value,
            kek_id=wrapped.kek.id,
            kek_version=wrapped.kek.version,
            nonce=wrapped.nonce,
            wrapped=wrapped.data,
            iv=key.iv,
        )

    async def unwrap(self, record: WrappedKeyRecord) -> ContentKey:
        """Open a row's key; WrongKek when the KEK is another or the row is not as written."""
        cache = self._cache
        if cache is None:
            return await self._open(record)
        held = cache.fresh(record)
        if held is None and time.monotonic() < self._away_until:
            held = cache.stale(record)
        return held or await self._ask(record, cache)

    async def rewrap(self, record: WrappedKeyRecord) -> WrappedKeyRecord:
        """The same key's row under the current KEK version. Same errors as `unwrap` and `wrap`."""
        key = await self._open(record)
        return await self.wrap(key, scope_of(record))

    async def _ask(self, record: WrappedKeyRecord, cache: KeyCache) -> ContentKey:
        try:
            key = await self._open(record)
        except KekAway:
            self._away_until = time.monotonic() + _PATIENCE_S
            held = cache.stale(record)
            if held is None:
                raise
            return held
        except (KekUnavailable, WrongKek):
            cache.drop(record)
            raise
        self._away_until = 0.0
        cache.put(record, key)
        return key

    async def _open(self, record: WrappedKeyRecord) -> ContentKey:
        wrapped, aad = _sealed(record)
        key = await self._kek.unwrap(wrapped, aad)
        return ContentKey(Kid(record.kid), key, record.iv)


# Every license comes by here, and this is most of what opening a key takes. It holds no secret.
@lru_cache(maxsize=8192)
def _sealed(record: WrappedKeyRecord) -> tuple[Wrapped, bytes]:
    """What the KEK is given to open a row; WrongKek for one that cannot have been written by us."""
    wrapped = Wrapped(Kek(record.kek_id, record.kek_version), record.nonce, record.wrapped)
    return wrapped, _aad(scope_of(record), Kid(record.kid), record.iv)


def scope_of(record: WrappedKeyRecord) -> KeyScope:
    """What a row's key is for; WrongKek for a row that cannot have been written by us."""
    try:
        Kid(record.kid)
        scheme = Scheme(record.scheme)
    except ValueError as exc:
        problem = f"the row was altered: {exc}"
        raise WrongKek(record.kek_id, record.kek_version, problem) from exc
    return KeyScope(record.tenant, record.track_id, record.revision, record.tier, scheme)


def key_name(record: WrappedKeyRecord) -> str:
    """The KID of a row, even of one that was altered."""
    return str(Kid(record.kid)) if len(record.kid) == 16 else record.kid.hex()


def _aad(scope: KeyScope, kid: Kid, iv: bytes) -> bytes:
    return join(
        _LABEL,
        _FORMAT,
        scope.tenant,
        scope.track_id,
        scope.revision,
        scope.tier,
        scope.scheme.value,
        kid.value,
        iv,
    )
