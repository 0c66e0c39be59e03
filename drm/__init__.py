"""Keys and rights: who may hear what, and the keys that say so.

- `kek` and `keyring`: content keys are random, one per (tenant, track, revision, tier, scheme),
  and rest wrapped by a key-encryption key, bound to all of that.
- `tiers`: which subscription opens which tiers.
- `access_token`: who a caller is (a JWT). `playback_token`: what a player may fetch for a while
  (a short signed text in a URL's path). `token_keys`: the secrets that both are signed with.
- `clearkey`: W3C license requests and licenses. `playback_urls`: where a player finds it all.

No HTTP and no SQL here: `origin` asks, and `catalog` stores what `keyring` wraps. ClearKey and
HLS key delivery are access control, not DRM: an entitled listener's player holds the key in the
clear. Start reading at `model`, then `keyring`.
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
