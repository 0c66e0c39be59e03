"""Which of the keys that somebody asks for a playback token opens, whatever the key system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.records import WrappedKeyRecord
from drm.errors import Denied
from drm.policy import Denial, Reason
from drm.policy import Grant as Granted
from origin.auth import Grant
from origin.caller import Caller
from origin.entitlement import Entitlements
from origin.key_rows import KeyRows
from packager.model import Kid, Scheme

# Whose key it is not must not learn more than that.
_SECRET = (Reason.WRONG_SCOPE, Reason.TIER)


@dataclass(frozen=True, slots=True)
class Entitled:
    """The keys that somebody may have; `until`: when the first of the rights to them ends."""

    records: list[WrappedKeyRecord]
    until: datetime | None


class EntitledKeys:
    """Asked for every license, by every key system. Remembers nothing of its own."""

    def __init__(self, rows: KeyRows, entitlements: Entitlements) -> None:
        self._rows = rows
        self._entitlements = entitlements

    async def of(
        self,
        request: Caller,
        kids: Sequence[Kid],
        grant: Grant,
        *,
        offline: bool = False,
    ) -> Entitled:
        """Those of the keys that the policy grants to the bearer of a token.

        Denied if there is none: with the policy's reason where the token is for the key's tier and
        track, or release; else as if there were no such key.

        A content decryption module decrypts samples: keys of whole segments are not for it.
        """
        granted: list[WrappedKeyRecord] = []
        denials: list[Denial] = []
        answers: dict[str, Granted | Denial] = {}  # by track: many keys may be of one
        for record in await self._opened(kids, grant):
            answer = answers.get(record.track_id)
            if answer is None:
                answer = answers[record.track_id] = await self._entitlements.verdict(
                    request, grant, record.track_id, frozenset({record.tier}), offline=offline
                )
            if not isinstance(answer, Denial):
                granted.append(record)
            elif answer.reason not in _SECRET:
                denials.append(answer)
        if granted:
            return Entitled(granted, _first_end(answers.values()))
        if denials:
            raise Denied(denials[0].reason.value, denials[0].detail)
        raise Denied("not-entitled", "The token opens none of these keys.")

    def has(self, caller: Caller, grant: Grant, record: WrappedKeyRecord) -> bool:
        """Whether `of` would grant this key to play now, without waiting.

        False also where that is not known.
        """
        return _is_opened(record, grant) and self._entitlements.is_granted(
            caller, grant, record.track_id, frozenset((record.tier,))
        )

    async def _opened(self, kids: Sequence[Kid], grant: Grant) -> list[WrappedKeyRecord]:
        """Those of the keys that are of the token's tiers, whosever they are."""
        records = [row for kid in kids if (row := await self._rows.get(kid.value)) is not None]
        return [record for record in records if _is_opened(record, grant)]


def _is_opened(record: WrappedKeyRecord, grant: Grant) -> bool:
    return record.scheme != Scheme.AES_128.value and record.tier in grant.tiers


def _first_end(answers: Iterable[Granted | Denial]) -> datetime | None:
    ends = [one.until for one in answers if not isinstance(one, Denial) and one.until is not None]
    return min(ends, default=None)
