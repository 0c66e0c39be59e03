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
