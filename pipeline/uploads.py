"""Masters that labels send in: whether one is taken, before there is a job for it.

What is said with an upload wins over the tags in the file, as a sidecar does, which is what it is
kept as. The same reader as an ingest's looks at the file, so that what is refused is refused now,
and not by a job that fails.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from configs.planning import Measured
from configs.settings import IngestSettings, UploadSettings
from pipeline.clamd import Clamd
from pipeline.cores import available_cores
from pipeline.drafts import release_of
from pipeline.errors import BadMaster
from pipeline.ffmpeg.binaries import Tools
from pipeline.identity import identify, track_id
from pipeline.master import Master, read_master
from pipeline.sidecar import write_sidecar
from pipeline.tags import Tags, normalized_isrc, normalized_upc

_ARTISTS = "artists"  # several, with semicolons between them
_OVERHEAD_S = 3.0  # of a job, beside its encoders: to be found, probed, stored, published
_RULES = (
    ("isrc", normalized_isrc, "is no ISRC (ISO 3901): 12 characters, like QZABC2600001"),
    ("upc", normalized_upc, "is no UPC or EAN with a right check digit"),
)


class NotTaken(Exception):
    """A master, or what is said of it, that is not taken here. For whoever sent it."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Look:
    """What an accepted master is."""

    track_id: str
    release_id: str | None  # None: it is of none
    duration_s: float
    work_s: float  # what its job takes, about


@dataclass(frozen=True, slots=True)
class Gate:
    """Looks at masters. Calls may be concurrent, for different files."""

    settings: UploadSettings
    ingest: IngestSettings
    measured: Measured
    tools: Tools
    tenant: str

    def check(self, fields: Mapping[str, str]) -> None:
        """Look at what is said, before anything is sent. NotTaken."""
        for name, rule, problem in _RULES:
            if name in fields and rule(fields[name]) is None:
                raise NotTaken(f"bad-{name}", f"{name} {problem}.")
        self._require_title(fields.get("title"))
        if fields.get("genre"):
            self._require_genre(fields["genre"])

    async def look(self, path: Path, fields: Mapping[str, str]) -> Look:
        """Look at a file; what is said of it is kept beside it. NotTaken, ScannerAway, OSError."""
        self.check(fields)
        await asyncio.to_thread(write_sidecar, path, _sidecar(fields))
        if self.settings.clamd is not None:
            found = await Clamd(self.settings.clamd).scan(path)
            if found is not None:
                raise NotTaken("infected", f"The scanner found {found} in it.")
        try:
            master = await read_master(path, self.tools, self.ingest)
        except BadMaster as exc:
            remedy = f" ({exc.remedy})" if exc.remedy else ""
            raise NotTaken("bad-master", f"{exc.cause[:1].upper()}{exc.cause[1:]}{remedy}") from exc
        self._require_limits(master)
        identity = identify(master.tags.isrc, master.operator_id, master.sha256)
        return Look(
            track_id(self.tenant, identity),
            release_of(master, self.tenant),
            master.sound.duration_s,
            self._work_s(master),
        )

    def _require_limits(self, master: Master) -> None:
        seconds, settings = master.sound.duration_s, self.settings
        if not settings.min_duration_s <= seconds <= settings.max_duration_s:
            allowed = f"{settings.min_duration_s:g} to {settings.max_duration_s:g} s"
            raise NotTaken("bad-duration", f"It lasts {seconds:.1f} s; {allowed} are taken.")
        for name in settings.required:
            if not _of_tags(master.tags, name):
                raise NotTaken(f"no-{name}", f"Neither the upload nor the file says its {name}.")
        self._require_title(master.title)
        if settings.genres:
            self._require_genre(master.tags.genre)

    def _require_title(self, title: str | None) -> None:
        most = self.settings.title_characters
        if title is not None and len(title) > most:
            raise NotTaken("bad-title", f"A title may have {most} characters.")

    def _require_genre(self, genre: str | None) -> None:
        allowed = self.settings.genres
        if allowed and (genre or "").casefold() not in {one.casefold() for one in allowed}:
            raise NotTaken("bad-genre", f"One of these genres is taken: {', '.join(allowed)}.")

    def _work_s(self, master: Master) -> float:
        cpu_s = master.sound.duration_s * self.measured.encode_cpu_s_per_s
        return _OVERHEAD_S + cpu_s / available_cores()


def remove_upload(path: Path, upload_id: str) -> None:
    """Remove an upload with all that is in its folder: its track is published."""
    folder = next((one for one in path.parents if one.name == upload_id), None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _sidecar(fields: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    said: dict[str, str | tuple[str, ...]] = dict(fields)
    if _ARTISTS in fields:
        said[_ARTISTS] = tuple(filter(None, map(str.strip, fields[_ARTISTS].split(";"))))
    return said


def _of_tags(tags: Tags, name: str) -> object:
    return tags.artists if name == "artist" else getattr(tags, name)
