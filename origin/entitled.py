"""Which of the keys that somebody asks for a playback token opens, whatever the key system."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from catalog.records import WrappedKeyRecord
from drm.errors import Denied
from drm.policy import Denial, Reason
from origin.auth import Grant
from origin.entitlement import Entitlements
from origin.key_rows import KeyRows
from packager.model import Kid, Scheme

# Whose key it is not must not learn more than that.
_SECRET = (Reason.WRONG_SCOPE, Reason.TIER)


class EntitledKeys:
    """Asked for every license, by every key system. Remembers nothing of its own."""

    def __init__(self, rows: KeyRows, entitlements: Entitlements) -> None:
        self._rows = rows
        self._entitlements = entitlements

    async def of(
        self,
        request: web.BaseRequest,
        kids: Sequence[Kid],
        grant: Grant,
        *,
        offline: bool = False,
    ) -> list[WrappedKeyRecord]:
        """Those of the keys that the policy grants to the bearer of a token.

        Denied if there is none: with the policy's reason where the token is for the key's tier and
        track, or release; else as if there were no such key.

        A content decryption module decrypts samples: keys of whole segments are not for it.
        """
        granted: list[WrappedKeyRecord] = []
        denials: list[Denial] = []
        answers: dict[str, bool] = {}  # by track: a release's token asks for many keys of one
        for kid in kids:
            record = await self._rows.get(kid.value)
            if record is None or record.scheme == Scheme.AES_128.value:
                continue
            if record.tier not in grant.tiers:
                continue
            if record.track_id not in answers:
                answer = await self._entitlements.verdict(
                    request, grant, record.track_id, frozenset({record.tier}), offline=offline
                )
                answers[record.track_id] = not isinstance(answer, Denial)
                if isinstance(answer, Denial) and answer.reason not in _SECRET:
                    denials.append(answer)
            if answers[record.track_id]:
                granted.append(record)
        if granted:
            return granted
        if denials:
            raise Denied(denials[0].reason.value, denials[0].detail)
        raise Denied("not-entitled", "The token opens none of these keys.")
