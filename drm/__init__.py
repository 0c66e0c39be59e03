"""Keys and rights: who may hear what, and the keys that say so.

- `kek` and `keyring`: content keys are random, one per (tenant, track, revision, tier, scheme),
  and rest wrapped by a key-encryption key, bound to all of that.
- `tiers`: which subscription opens which tiers.
- `policy`: who may have what, where and when.
- `access_token`: who a caller is (a JWT of ours). `provider_tokens`, `provider_keys`, `jwks`: the
  same by the service's identity provider. `callers`: either.
- `playback_token`: what a player may fetch for a while (a short signed text in a URL's path).
  `common_access_token` and `cose`: another form of it. `token_keys`: the secrets of both.
- `clearkey`: W3C license requests and licenses. `challenges` and `vendors`: those of other key
  systems, for license servers of their vendors. `playback_urls`: where a player finds it all.
- `cpix`, `speke`, `speke_client`: keys for other packagers, and from other key servers.
- `audit`: who got or did what.

No SQL here, and HTTP only through the client that is passed in (`http_client`): `origin` asks, and
`catalog` stores what `keyring` wraps. ClearKey and HLS key delivery are access control, not DRM: an
entitled listener's player holds the key in the clear. Start reading at `model`, then `keyring`.
"""

from __future__ import annotations

from drm.access_token import AccessTokens
from drm.errors import (
    Denied,
    DrmError,
    ExpiredToken,
    InvalidToken,
    KekUnavailable,
    KeyNotFound,
    MalformedRequest,
    SecretUnavailable,
    WrongKek,
)
from drm.kek import Kek, KekProvider, LocalKek, Wrapped
from drm.keyring import Keyring
from drm.model import AccessToken, ContentKey, KeyScope, PlaybackToken
from drm.playback_token import PlaybackTokens
from drm.tiers import Tiers
from drm.token_keys import SigningKeys, TokenKeys

__all__ = [
    "AccessToken",
    "AccessTokens",
    "ContentKey",
    "Denied",
    "DrmError",
    "ExpiredToken",
    "InvalidToken",
    "Kek",
    "KekProvider",
    "KekUnavailable",
    "KeyNotFound",
    "KeyScope",
    "Keyring",
    "LocalKek",
    "MalformedRequest",
    "PlaybackToken",
    "PlaybackTokens",
    "SecretUnavailable",
    "SigningKeys",
    "Tiers",
    "TokenKeys",
    "Wrapped",
    "WrongKek",
]
