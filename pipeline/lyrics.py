"""The lyrics of a master: files beside it, else its tag. What cannot be read is a warning.

    song.flac   song.lrc   song.en.ttml   song.flac.pt-BR.vtt   song.txt

One document for each language; where there are several, the one that says most is taken.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from packager.errors import MalformedMedia
from packager.text.document import MAX_BYTES
from packager.text.lyrics import Lyrics, normalized_language
from packager.text.read import TextFormat, read, read_tag
from pipeline.errors import shown

_PREFERENCE = tuple(TextFormat)  # word times and voices first, plain text last
_SUFFIXES = "|".join(form.value for form in TextFormat)


@dataclass(frozen=True, slots=True)
class FoundLyrics:
    """Lyrics, and the hash of what they were read from."""

    lyrics: Lyrics
    sha256: str  # hex


@dataclass(frozen=True, slots=True)
class _Sidecar:
    path: Path
    form: TextFormat
    language: str | None


def find_lyrics(
    master: Path, tag: str | None = None
) -> tuple[tuple[FoundLyrics, ...], tuple[str, ...]]:
    """The lyrics by language, and what is wrong with those that were left out."""
    found: dict[str, FoundLyrics] = {}
    problems: list[str] = []
    for sidecar in _sidecars(master):
        try:
            data = _read(sidecar.path)
            lyrics = read(data, sidecar.form, language=sidecar.language)
        except (MalformedMedia, OSError) as exc:
            cause = exc.strerror if isinstance(exc, OSError) else exc
            problems.append(f"the lyrics {shown(Path(sidecar.path.name))} are left out: {cause}")
            continue
        one = FoundLyrics(lyrics, hashlib.sha256(data).hexdigest())
        found.setdefault(lyrics.language or "", one)
    if tag and not found:
        try:
            data = tag.encode("utf-8", "surrogatepass")
            found[""] = FoundLyrics(read_tag(tag), hashlib.sha256(data).hexdigest())
        except MalformedMedia as exc:
            problems.append(f"the lyrics in its tags are left out: {exc}")
    return tuple(found[language] for language in sorted(found)), tuple(problems)


def _sidecars(master: Path) -> list[_Sidecar]:
    """The files beside a master that are named after it, best format first."""
    stem, suffix = re.escape(master.stem), re.escape(master.suffix)
    pattern = re.compile(
        rf"{stem}(?:{suffix})?(?:\.([a-z0-9-]+))?\.({_SUFFIXES})", re.IGNORECASE | re.ASCII
    )
    try:
        names = sorted(one.name for one in master.parent.iterdir())
    except OSError:
        return []
    sidecars = []
    for name in names:
        match = pattern.fullmatch(name)
        language = normalized_language(match[1]) if match else None
        # Another part of the name is no language but another master's: "song.live.lrc".
        if match and (match[1] is None or language is not None):
            form = TextFormat(match[2].lower())
            sidecars.append(_Sidecar(master.with_name(name), form, language))
    return sorted(sidecars, key=lambda one: _PREFERENCE.index(one.form))


def _read(path: Path) -> bytes:
    if not path.is_file():  # a pipe would keep us waiting
        raise MalformedMedia("not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
