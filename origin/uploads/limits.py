"""Whether an upload may begin: what a label has in use, and what room the disk has for all."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from catalog.uploads import Usage
from configs.paths import nearest_existing
from configs.settings import UploadLimits
from origin.problems import OriginError


@dataclass(frozen=True, slots=True)
class Room:
    """The disk that uploads come to, which the catalog may be on too."""

    folder: Path
    min_free_bytes: int  # that have to be left in any case

    def left(self) -> int:
        """How many more bytes fit; less than 0 where there are too many already. Blocking."""
        return shutil.disk_usage(nearest_existing(self.folder)).free - self.min_free_bytes

    def is_left(self) -> bool:
        """Whether as much is free as has to be. Blocking."""
        return self.left() >= 0


def no_room() -> OriginError:
    """The refusal of what does not fit."""
    return OriginError(
        507, "no-room", "There is no room for it now.", headers={"Retry-After": "60"}
    )


def require_quota(limits: UploadLimits, used: Usage, size: int) -> None:
    """OriginError 429 where a label would have more than it may."""
    if used.open >= limits.concurrent:
        detail = f"{limits.concurrent} at a time: end one, or let it expire."
        raise _too_many("too-many-uploads", detail)
    if used.begun >= limits.day_uploads:
        detail = f"{limits.day_uploads} uploads in 24 hours, however they ended."
        raise _too_many("upload-quota", detail)
    if used.bytes + size > limits.day_bytes:
        detail = f"{limits.day_bytes} bytes in 24 hours; {used.bytes} are used."
        raise _too_many("upload-quota", detail)


def _too_many(reason: str, detail: str) -> OriginError:
    return OriginError(429, reason, detail, headers={"Retry-After": "60"})
