"""Protection system headers: what tells a player's key system which key to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from packager.boxes.protection import ProtectionSystemBox
from packager.model import Kid

# W3C "cenc" Initialization Data Format, section 4: the Common PSSH system.
COMMON = UUID("1077efec-c0b2-4d02-ace3-3c1e52e2fb4b")
# DASH-IF ClearKey content protection, used in manifests only.
DASH_CLEARKEY = UUID("e2719d58-a985-b3c9-781a-b030af78d30e")


def common(kids: Sequence[Kid]) -> ProtectionSystemBox:
    """The Common PSSH box: version 1, the KIDs, no data. Clear Key reads this one."""
    return ProtectionSystemBox(COMMON.bytes, tuple(kid.value for kid in kids))
