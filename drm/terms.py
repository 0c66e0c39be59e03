"""What each subscription allows beside its tiers, and the hash of that which tokens carry.

A playback token names the terms it was made under by their hash. When the settings change, tokens
of other terms are refused wherever the policy is asked, and players ask for playback again.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping

from drm.canonical import join
from drm.policy import Terms
from drm.tiers import Tiers

_ANY = Terms()  # of a token that no subscription stands behind: an operator's


class AllTerms:
    """The terms of the settings' subscriptions. Immutable.

    `streams`: how many streams an account of a subscription may play at the same time; one that is
    not there may play any number. `offline`: the subscriptions whose licenses may be kept.
    """

    def __init__(
        self,
        tiers: Tiers,
        *,
        streams: Mapping[str, int] | None = None,
        offline: Collection[str] = (),
    ) -> None:
        self._policies: dict[str, str] = {}  # by subscription
        self._terms: dict[str, Terms] = {}  # by policy
        for name in tiers.subscriptions:
            terms = Terms((streams or {}).get(name), offline=name in offline)
            policy = _hash(tiers.opened_by(name), terms)
            self._policies[name] = policy
            self._terms[policy] = terms

    def policy(self, subscription: str) -> str:
        """The hash of a subscription's terms, 8 characters; KeyError where there is none."""
        return self._policies[subscription]

    def of_policy(self, policy: str | None) -> Terms | None:
        """The terms that a token was made under; None where those are not in force any more."""
        return _ANY if policy is None else self._terms.get(policy)


def account_of(subject: str) -> str:
    """An account's name in tokens and in the catalog: 96 bits of a hash, base64url."""
    return _digest("headwater account", subject)[:16]


def _hash(tiers: tuple[str, ...], terms: Terms) -> str:
    limit = "" if terms.streams is None else str(terms.streams)
    return _digest("headwater terms", *tiers, limit, str(terms.offline))[:8]


def _digest(*parts: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(join(*parts)).digest()).decode("ascii")
