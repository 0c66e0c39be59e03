"""Which of the keys that somebody asks for a playback token opens, whatever the key system."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.records import WrappedKeyRecord
from drm.errors import Denied
from drm.policy import DETAILS, Reason
from origin.auth import Grant
from origin.key_rows import KeyRows
from origin.packages import Availability
from packager.model import Kid, Scheme


class EntitledKeys:
    """Asked for every license, by every key system. Remembers nothing of its own."""

    def __init__(self, rows: KeyRows, availability: Availability) -> None:
        self._rows = rows
        self._is_open = availability.is_open

    async def of(
        self, kids: Sequence[Kid], grant: Grant, *, offline: bool = False
    ) -> list[WrappedKeyRecord]:
        """Those of the keys that are of the token's tiers and track, or of one of its release.

        And only while listeners may have that track. Denied if there is none, or if the license
        is to be kept (`offline`) and may not.

        A content decryption module decrypts samples: keys of whole segments are not for it.
        """
        records = [row for kid in kids if (row := await self._rows.get(kid.value)) is not None]
        entitled = [
            record
            for record in records
            if record.tier in grant.tiers
            and record.scheme != Scheme.AES_128.value
            and await self._is_open(record.track_id, grant)
        ]
        if not entitled:  # unknown keys and other people's keys look the same: no oracle
            raise Denied("not-entitled", "The token opens none of these keys.")
        if offline:
            raise Denied(Reason.OFFLINE.value, DETAILS[Reason.OFFLINE])
        return entitled
