"""Content keys: made at random, wrapped for the catalog, unwrapped for a player.

A wrapped key is bound to everything it is for (tenant, track, revision, tier, scheme, KID, IV)
and to the KEK's id and version: a row whose fields were exchanged with another's does not open.
"""

from __future__ import annotations

import secrets
from uuid import uuid4

from catalog.records import WrappedKeyRecord
from drm.canonical import join
from drm.errors import WrongKek
from drm.kek import Kek, KekProvider, Wrapped
from drm.model import ContentKey, KeyScope
from packager.model import Kid, Scheme

_KEY_BYTES = 16  # AES-128, the only key length of ISO/IEC 23001-7
_IV_BYTES = {Scheme.CBCS: 16, Scheme.CENC: 8, Scheme.AES_128: 16}
_LABEL = "headwater content key"
_FORMAT = 1


class Keyring:
    """Makes and opens content keys with the KEK it is given. Calls may be concurrent."""

    def __init__(self, kek: KekProvider) -> None:
        self._kek = kek

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

    def wrap(self, key: ContentKey, scope: KeyScope) -> WrappedKeyRecord:
        """Make the row to store for a key."""
        wrapped = self._kek.wrap(key.key, _aad(scope, key.kid, key.iv))
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

    def unwrap(self, record: WrappedKeyRecord) -> ContentKey:
        """Open a row's key; WrongKek when the KEK is another or the row is not as written."""
        kek = Kek(record.kek_id, record.kek_version)
        try:
            kid = Kid(record.kid)
            scheme = Scheme(record.scheme)
        except ValueError as exc:
            raise WrongKek(kek.id, kek.version, f"the row was altered: {exc}") from exc
        scope = KeyScope(record.tenant, record.track_id, record.revision, record.tier, scheme)
        wrapped = Wrapped(kek, record.nonce, record.wrapped)
        return ContentKey(kid, self._kek.unwrap(wrapped, _aad(scope, kid, record.iv)), record.iv)


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
