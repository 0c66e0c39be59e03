"""Path -> Master: everything that is known of a file before it is encoded, or why not to."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from configs.settings import IngestSettings
from pipeline.cover import BadCover, Cover, check_cover
from pipeline.errors import BadMaster, NoMasters, shown
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.probe import AudioStream, Probe, probe
from pipeline.headers import Claim, read_claim
from pipeline.lyrics import FoundLyrics, find_lyrics
from pipeline.sidecar import folder_cover, read_sidecar
from pipeline.sniff import sniff
from pipeline.sound import Sound
from pipeline.tags import Tags, cleaned, read_tags

# What a folder is searched for; a file named on the command line may have any name.
SUFFIXES = frozenset(
    {
        *(".wav", ".wave", ".bwf", ".rf64", ".w64"),
        *(".flac", ".aif", ".aiff", ".aifc", ".m4a", ".mp4", ".mov", ".caf"),
    }
)
# Audio that a folder of masters may hold and that no master is.
_OTHER_AUDIO = frozenset(
    {".mp3", ".aac", ".ogg", ".oga", ".opus", ".wma", ".ape", ".wv", ".dsf", ".dff", ".mka"}
)
_PCM = frozenset(
    f"pcm_{kind}{order}" for kind in ("s16", "s24", "s32", "f32", "f64") for order in ("le", "be")
)
LOSSLESS = _PCM | {"flac", "alac"}
RATES_HZ = frozenset({44_100, 48_000, 88_200, 96_000, 176_400, 192_000})
_LEAST_BITS = 16
# Shorter is a click or a broken export. The shortest tracks that labels deliver have seconds.
_LEAST_S = 0.1
_HASH_BLOCK = 1 << 20
_MAX_OPERATOR_ID = 200


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when somebody writes to a file."""

    size: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """The stamp of a file now; OSError when it is gone."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Master:
    """A file that can be ingested."""

    path: Path
    stamp: Stamp
    sha256: str  # hex, of the file
    sound: Sound
    md5: str | None  # hex, of the samples, from a FLAC's header
    tags: Tags
    cover: Cover | None
    operator_id: str | None
    warnings: tuple[str, ...]
    lyrics: tuple[FoundLyrics, ...] = ()  # one for each language

    @property
    def title(self) -> str:
        """As tagged, else the file's name."""
        return self.tags.title or cleaned(shown(Path(self.path.stem))) or "untitled"


def find_masters(paths: Iterable[Path]) -> tuple[list[Path], int]:
    """Files, and the masters in folders, each once; and how much other audio was passed over.

    Raises NoMasters when a path does not exist or nothing was found.
    """
    masters: dict[Path, Path] = {}
    skipped = 0
    searched = list(paths)
    for path in searched:
        if path.is_dir():
            for file in _walk(path):
                if file.suffix.lower() in SUFFIXES:
                    masters.setdefault(_identity(file), file)
                elif file.suffix.lower() in _OTHER_AUDIO:
                    skipped += 1
        elif os.path.lexists(path):
            masters.setdefault(_identity(path), path)
        else:
            raise NoMasters(f"{shown(path)}: there is no such file or folder")
    if not masters:
        known = " ".join(sorted(SUFFIXES))
        where = ", ".join(map(shown, searched))
        raise NoMasters(f"{where}: no masters were found (a folder is searched for {known})")
    return list(masters.values()), skipped


def _identity(path: Path) -> Path:
    """The file behind a path; a link that leads nowhere is itself."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # the latter for a loop, until Python 3.13
        return path.absolute()


async def read_master(
    path: Path, tools: Tools, settings: IngestSettings, operator_id: str | None = None
) -> Master:
    """Look at a file without decoding it. Raises BadMaster with the one cause that matters."""
    form, claim, stamp = await asyncio.to_thread(_look, path)
    probed = await probe(tools, path, form)
    sound = _sound(path, form, probed, claim)
    if sound.duration_s > settings.max_duration_s:
        cause = f"it lasts {sound.duration_s:.0f} s, {settings.max_duration_s} are allowed"
        raise BadMaster(path, cause, "ingest.max_duration_s")
    return await asyncio.to_thread(
        _describe, path, stamp, sound, claim, probed, settings.max_cover_bytes, operator_id
    )


def require_unchanged(master: Master) -> None:
    """Raise BadMaster when somebody wrote to the file since it was hashed."""
    try:
        same = Stamp.of(master.path) == master.stamp
    except OSError:
        same = False
    if not same:
        cause = "it changed while it was being ingested"
        raise BadMaster(master.path, cause, "run it again when the copy is complete")


def _look(path: Path) -> tuple[str, Claim, Stamp]:
    if path.exists() and not path.is_file():
        raise BadMaster(path, "it is not a regular file")
    form = sniff(path)
    return form, read_claim(path, form), Stamp.of(path)


def _describe(
    path: Path,
    stamp: Stamp,
    sound: Sound,
    claim: Claim,
    probed: Probe,
    max_cover_bytes: int,
    operator_id: str | None,
) -> Master:
    sidecar = read_sidecar(path)
    own_id = _checked_id(path, operator_id or sidecar.operator_id)
    tags = read_tags(path, probed.tags, sidecar.fields)
    cover, problems = _cover(path, tags, max_cover_bytes)
    lyrics, bad_lyrics = find_lyrics(path, tags.lyrics)
    text = lyrics[0].lyrics.text if lyrics else None
    notes = (claim.note,) if claim.note else ()
    return Master(
        path=path,
        stamp=stamp,
        sha256=_sha256(path),
        sound=sound,
        md5=claim.md5 if sound.bit_depth % 8 == 0 else None,
        tags=replace(tags, picture=None, lyrics=text),
        cover=cover,
        operator_id=own_id,
        warnings=(*notes, *tags.warnings, *problems, *bad_lyrics),
        lyrics=lyrics,
    )


def _sound(path: Path, form: str, probed: Probe, claim: Claim) -> Sound:
    """The one usable audio stream. The order of these checks is the order of their weight."""
    if probed.has_video:
        raise BadMaster(path, "it is a video", "deliver the audio alone")
    if not probed.audio:
        raise BadMaster(path, "it holds no audio")
    if len(probed.audio) > 1:
        raise BadMaster(path, f"it holds {len(probed.audio)} audio streams", "deliver one")
    stream = probed.audio[0]
    _require_lossless(path, stream)
    samples = claim.samples or stream.samples
    if not samples:
        raise BadMaster(path, "its header does not say how long it is", "export it again")
    sound = Sound(
        form=form,
        codec=stream.codec,
        sample_rate_hz=stream.sample_rate_hz,
        channels=stream.channels,
        bit_depth=stream.bit_depth,
        is_float=stream.is_float,
        samples=samples,
    )
    if sound.duration_s < _LEAST_S:
        plural = "" if samples == 1 else "s"
        cause = f"it is too short: {samples} sample{plural}, {sound.duration_s:.3g} s"
        raise BadMaster(path, cause, f"{_LEAST_S} s at least")
    return sound


def _require_lossless(path: Path, stream: AudioStream) -> None:
    if stream.codec not in LOSSLESS:
        cause = f"its audio is {stream.codec}, not a lossless master"
        raise BadMaster(path, cause, "deliver PCM, FLAC or ALAC")
    if stream.channels not in {1, 2}:
        cause = f"it has {stream.channels} channels, mono and stereo can be published"
        raise BadMaster(path, cause, "deliver a stereo mix")
    if stream.sample_rate_hz not in RATES_HZ:
        rates = ", ".join(str(rate) for rate in sorted(RATES_HZ))
        raise BadMaster(path, f"its rate is {stream.sample_rate_hz} Hz", f"allowed: {rates}")
    if stream.bit_depth < _LEAST_BITS:
        raise BadMaster(path, f"it has {stream.bit_depth} bits a sample", "16 at least")


def _cover(path: Path, tags: Tags, max_bytes: int) -> tuple[Cover | None, tuple[str, ...]]:
    """The embedded picture, else the folder's; a broken one is a warning."""
    problems: list[str] = []
    for data in (tags.picture, folder_cover(path, max_bytes)):
        if data is not None:
            try:
                return check_cover(data, max_bytes), tuple(problems)
            except BadCover as exc:
                problems.append(str(exc))
    return None, tuple(problems)


def _checked_id(path: Path, operator_id: str | None) -> str | None:
    if operator_id is None:
        return None
    plain = operator_id.strip()
    if not plain or len(plain) > _MAX_OPERATOR_ID or not plain.isprintable():
        raise BadMaster(path, f"the id {operator_id!r} is not usable", "1 to 200 printable ones")
    return plain


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BLOCK):
                digest.update(block)
    except OSError as exc:
        raise BadMaster(path, f"it cannot be read: {exc.strerror or exc}") from exc
    return digest.hexdigest()


def _walk(folder: Path) -> Iterator[Path]:
    """Files under a folder in order of their names; hidden ones and linked folders are left out."""

    def refuse(exc: OSError) -> None:
        raise NoMasters(f"{exc.filename}: cannot be searched: {exc.strerror}") from exc

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(parent, name)
