"""The policy as the origin asks it: by a token's grant, for a track, from a place.

Everything that gives a key, or the way to one, asks here: playback, manifests, keys, licenses of
every key system. Segments do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from drm import policy
from drm.errors import Denied, DrmError, ExpiredToken
from drm.policy import Denial, Reason
from drm.terms import AllTerms
from origin.auth import Grant
from origin.caller import Caller
from origin.delivery import Needs
from origin.editions import Edition, Editions
from origin.packages import Availability
from origin.problems import Missing, OriginError
from origin.streams import Streams
from origin.territory import Territories

# A file that can be kept, where the service gives out such files: only the rights are asked.
_KEPT = policy.Terms(offline=True)


def refused(denial: Denial) -> DrmError | OriginError:
    """The error that tells of a denial."""
    if denial.reason is Reason.TOKEN_EXPIRED:
        return ExpiredToken()
    if denial.reason is Reason.UNAVAILABLE:  # like one that never was
        return Missing(denial.reason.value, denial.detail)
    return Denied(denial.reason.value, denial.detail)


@dataclass(frozen=True, slots=True)
class Entitlements:
    """One worker's way to the policy."""

    terms: AllTerms
    availability: Availability
    editions: Editions
    territories: Territories
    streams: Streams

    async def verdict(
        self,
        request: Caller,
        grant: Grant,
        track_id: str,
        tiers: frozenset[str],
        *,
        offline: bool = False,
        kept: bool = False,
    ) -> policy.Grant | Denial:
        """Whether the bearer of a token may have these tiers of a track now.

        `offline` asks for a license that is kept, `kept` for a plain file.
        """
        rights = await self.availability.rights(track_id)
        asked = self._asked(request, grant, tiers, rights, offline=offline, kept=kept)
        answer = policy.decide(asked, rights, datetime.now(UTC))
        if isinstance(answer, Denial):
            return answer
        counted = await self._counted(grant, asked)
        return answer if counted is asked else policy.decide(counted, rights, datetime.now(UTC))

    async def require(
        self,
        request: Caller,
        grant: Grant,
        track_id: str,
        tiers: frozenset[str],
        *,
        kept: bool = False,
    ) -> policy.Grant:
        """The same, and an error for a denial: Denied, Missing or ExpiredToken."""
        answer = await self.verdict(request, grant, track_id, tiers, kept=kept)
        if isinstance(answer, Denial):
            raise refused(answer)
        return answer

    def is_known(self, request: Caller, grant: Grant, needs: Needs) -> bool:
        """Whether `require` would grant it, and what it says of the catalog is so, without waiting.

        False also for what is not remembered.
        """
        if needs.track_id is None:
            return True
        status = self.availability.known(needs.track_id)
        if status is None or (needs.says_album and status.album != needs.album):
            return False
        rights = status.rights
        if needs.kept and not self._is_granted(request, grant, rights, needs.tiers, kept=True):
            return False
        tiers = needs.tiers if needs.tiers and not needs.kept else grant.tiers
        return self._is_granted(request, grant, rights, tiers, kept=False)

    def is_granted(
        self, request: Caller, grant: Grant, track_id: str, tiers: frozenset[str]
    ) -> bool:
        """Whether `require` would grant it, without waiting; False for what is not remembered."""
        status = self.availability.known(track_id)
        return status is not None and self._is_granted(
            request, grant, status.rights, tiers, kept=False
        )

    def _is_granted(
        self,
        request: Caller,
        grant: Grant,
        rights: policy.Rights,
        tiers: frozenset[str],
        *,
        kept: bool,
    ) -> bool:
        asked = self._asked(request, grant, tiers, rights, kept=kept)
        if isinstance(policy.decide(asked, rights, datetime.now(UTC)), Denial):
            return False
        return not _is_counted(grant, asked) or (
            grant.stream is not None and self.streams.is_held(grant.stream)
        )

    async def edition(
        self, request: Caller, grant: Grant, release_id: str, tiers: frozenset[str]
    ) -> tuple[Edition, policy.Grant]:
        """The release as the bearer of a token may have it now: without what is denied to them.

        Errors as of `require` where nothing is left; Missing where there is no such release.
        """
        pool = await self.editions.get(release_id)
        now = datetime.now(UTC)
        answers = {}
        for rights in pool.rights:
            asked = self._asked(request, grant, tiers, rights)
            answers[rights.track_id] = policy.decide(asked, rights, now)
        granted = {one: got for one, got in answers.items() if isinstance(got, policy.Grant)}
        if not granted:
            raise refused(next(got for got in answers.values() if isinstance(got, Denial)))
        first = next(rights for rights in pool.rights if rights.track_id in granted)
        counted = await self._counted(grant, self._asked(request, grant, tiers, first))
        answer = policy.decide(counted, first, now)
        if isinstance(answer, Denial):
            raise refused(answer)
        ends = [got.until for got in granted.values() if got.until is not None]
        return pool.edition(granted.keys()), replace(answer, until=min(ends, default=None))

    def _asked(
        self,
        request: Caller,
        grant: Grant,
        tiers: frozenset[str],
        rights: policy.Rights,
        *,
        offline: bool = False,
        kept: bool = False,
    ) -> policy.Request:
        terms = self.terms.of_policy(grant.policy)
        territory = None
        if rights.windows:  # else nobody asks, and a look-up is saved
            territory = self.territories.of(request) or grant.territory
        return policy.Request(
            scope=grant.scope,
            opened=grant.tiers,
            tiers=tiers,
            expires_at=grant.expires_at,
            terms=_KEPT if kept and terms is not None else terms,
            territory=territory,
            offline=offline or kept,
        )

    async def _counted(self, grant: Grant, asked: policy.Request) -> policy.Request:
        """The request with the account's other streams, if they are counted; else itself."""
        terms = asked.terms
        if terms is None or terms.streams is None or grant.stream is None:
            return asked
        is_playback = asked.expires_at is None  # the others come with a playback token
        others = await self.streams.keep(grant.stream, terms.streams, renew=is_playback)
        return replace(asked, other_streams=others)


def _is_counted(grant: Grant, asked: policy.Request) -> bool:
    return grant.stream is not None and asked.terms is not None and asked.terms.streams is not None
