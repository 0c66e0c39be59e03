"""What a label wrote into a master, and what downloads are told of it: tags and pictures.

The only module that knows mutagen.

Each kind of tag is first read into one shape, a canonical field name -> its values; what the
fields mean is decided once, in `_tags`. A value that breaks its own rules (an ISRC of 11
characters) becomes a warning, never a failure.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mutagen
from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.id3 import APIC, ID3, Frames
from mutagen.id3 import _frames as id3_frames
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm, MP4Tags

from pipeline.bounded import BoundedFile, unpack

# mutagen unpacks compressed frames without a bound, whatever a few kilobytes expand to.
setattr(id3_frames, "zlib", SimpleNamespace(decompress=unpack, error=zlib.error))  # noqa: B010 - mypy sees no such name

_FRONT_COVER = 3  # ID3v2.4.0, 4.14, and FLAC's PICTURE (RFC 9639, 8.8)
_MAX_TEXT = 1_000  # characters of a field; lyrics may have more
_MAX_LYRICS = 100_000
_MAX_VALUES = 100  # of a field: artists of a recording
# Control characters, but for tabs and line ends; what is no character; halves of surrogates.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

Fields = dict[str, tuple[str, ...]]

# Canonical name -> the names it has in Vorbis comments, in ID3 TXXX frames, in MP4 free-form
# atoms and in ffmpeg's tags (all compared in lower case).
_NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "artists": ("artists",),
    "artist": ("artist",),
    "album": ("album",),
    "album_artist": ("albumartist", "album artist", "album_artist"),
    "disc": ("discnumber", "disc", "disk"),
    "number": ("tracknumber", "track"),
    "date": ("date", "originaldate", "year"),
    "genre": ("genre",),
    "isrc": ("isrc",),
    "upc": ("barcode", "upc", "ean", "ean/upn"),
    "copyright": ("copyright",),
    "label": ("label", "organization", "publisher"),
    "lyrics": ("lyrics", "unsyncedlyrics", "unsynced lyrics"),
    "replaygain_track": ("replaygain_track_gain",),
    "replaygain_album": ("replaygain_album_gain",),
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
FIELD_NAMES = tuple(_NAMES)

# ID3v2.4.0, 4.2: text frames. Mutagen turns the frames of 2.2 and 2.3 into these.
_ID3 = {
    "TIT2": "title",
    "TPE1": "artist",
    "TALB": "album",
    "TPE2": "album_artist",
    "TPOS": "disc",
    "TRCK": "number",
    "TDRC": "date",
    "TCON": "genre",
    "TSRC": "isrc",
    "TCOP": "copyright",
    "TPUB": "label",
}
# iTunes metadata atoms.
_MP4 = {
    "\xa9nam": "title",
    "\xa9ART": "artist",
    "\xa9alb": "album",
    "aART": "album_artist",
    "\xa9day": "date",
    "\xa9gen": "genre",
    "cprt": "copyright",
    "\xa9lyr": "lyrics",
}


@dataclass(frozen=True, slots=True)
class Tags:
    """What is known of a recording from its master."""

    title: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    album_artist: str | None = None
    disc: int = 1
    number: int | None = None
    date: str | None = None  # YYYY, YYYY-MM or YYYY-MM-DD
    genre: str | None = None
    isrc: str | None = None  # 12 characters, no dashes
    upc: str | None = None  # 8, 12, 13 or 14 digits, check digit right
    copyright: str | None = None
    label: str | None = None
    lyrics: str | None = None
    replaygain_track_db: float | None = None
    replaygain_album_db: float | None = None
    picture: bytes | None = field(default=None, repr=False)  # unverified; the front cover first
    warnings: tuple[str, ...] = ()


_WHAT_MUTAGEN_RAISES = (
    *(MutagenError, OSError, ValueError, KeyError, TypeError, IndexError),
    *(AttributeError, AssertionError, OverflowError, MemoryError, RecursionError, struct.error),
)


def read_tags(path: Path, fallback: Mapping[str, str], sidecar: Fields | None = None) -> Tags:
    """The tags of a file. `fallback`: ffprobe's, for what mutagen does not read (RIFF INFO).

    A sidecar's fields win over the file's, the file's over the fallback's.
    """
    fields = known_fields(fallback.items())
    picture: bytes | None = None
    warnings: list[str] = []
    try:
        with path.open("rb") as opened:
            file = mutagen.File(BoundedFile(opened))
        fields |= _fields_of(file)
        picture = _picture_of(file)
    except _WHAT_MUTAGEN_RAISES as exc:
        cause = (str(exc) or type(exc).__name__).splitlines()[0][:200]
        warnings.append(f"its tags cannot be read: {cause}")
    return _tags(fields | (sidecar or {}), picture, warnings)


def write_tags(path: Path, tags: Tags, cover: bytes | None) -> None:
    """Tag an MP3 (ID3v2.3, which all players read) or an M4A; its own tags go.

    The same tags give the same bytes: no padding, no dates. `cover` is a JPEG.
    """
    texts = {
        "title": tags.title,
        "artist": ", ".join(tags.artists),
        "album": tags.album,
        "album_artist": tags.album_artist,
        "date": tags.date,
        "genre": tags.genre,
        "isrc": tags.isrc,
        "copyright": tags.copyright,
        "label": tags.label,
    }
    present = {name: text for name, text in texts.items() if text}
    places = (tags.number or 0, tags.disc if tags.number else 0)
    if path.suffix == ".mp3":
        _write_id3(path, present, places, cover)
    else:
        _write_mp4(path, present, places, cover)


def _write_id3(
    path: Path, texts: Mapping[str, str], places: tuple[int, int], cover: bytes | None
) -> None:
    tags: Any = ID3()
    numbers = zip(("number", "disc"), places, strict=True)
    fields = {**texts, **{name: str(place) for name, place in numbers if place}}
    for frame, name in _ID3.items():
        if name in fields:
            tags.add(Frames[frame](encoding=3, text=[fields[name]]))
    if cover:
        tags.add(APIC(encoding=0, mime="image/jpeg", type=_FRONT_COVER, desc="", data=cover))
    tags.save(path, v1=0, v2_version=3, padding=_no_padding)


def _write_mp4(
    path: Path, texts: Mapping[str, str], places: tuple[int, int], cover: bytes | None
) -> None:
    file: Any = MP4(path)
    if file.tags is None:
        file.add_tags()
    file.tags.clear()
    for atom, name in _MP4.items():
        if name in texts:
            file.tags[atom] = [texts[name]]
    for name in ("isrc", "label"):
        if name in texts:
            value = MP4FreeForm(texts[name].encode())
            file.tags[f"----:com.apple.iTunes:{name.upper()}"] = [value]
    for atom, place in zip(("trkn", "disk"), places, strict=True):
        if place:
            file.tags[atom] = [(place, 0)]  # of how many is not known
    if cover:
        file.tags["covr"] = [MP4Cover(cover, MP4Cover.FORMAT_JPEG)]
    file.save(padding=_no_padding)


def _no_padding(_: object) -> int:
    return 0


def known_fields(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Names and values as files have them -> canonical fields; unknown names are left out."""
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        # Canonical names come from the readers here, all others from files.
        canonical = name if name in _NAMES else _FIELD_OF.get(name.lower())
        text = value.replace("\0", " ").strip()
        if canonical and text:
            fields.setdefault(canonical, []).append(text)
    return {name: tuple(values) for name, values in fields.items()}


def normalized_isrc(text: str) -> str | None:
    """12 characters: country, registrant, year, designation (ISO 3901:2019, 4); else None."""
    plain = re.sub(r"[\s-]", "", text).upper().removeprefix("ISRC")
    return plain if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", plain) else None


def normalized_upc(text: str) -> str | None:
    """The digits of a GTIN whose check digit holds (GS1 General Specifications, 7.9); else None."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{8}|[0-9]{12,14}", digits):
        return None
    total = sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(reversed(digits)))
    return digits if total % 10 == 0 else None


def _fields_of(file: Any) -> Fields:
    tags = getattr(file, "tags", None)
    if isinstance(tags, ID3):
        return known_fields(_id3_pairs(tags))
    if isinstance(tags, MP4Tags):
        return known_fields(_mp4_pairs(tags))
    if isinstance(file, FLAC) and tags is not None:
        return known_fields(tags)
    return {}


def _id3_pairs(tags: Any) -> Iterator[tuple[str, str]]:
    for frame in tags.values():
        name = frame.FrameID
        if name == "TXXX":
            yield from ((frame.desc, str(text)) for text in frame.text)
        elif name == "TCON":
            yield from ((_ID3[name], str(text)) for text in frame.genres)
        elif name == "USLT":
            yield "lyrics", str(frame.text)
        elif name in _ID3:
            yield from ((_ID3[name], str(text)) for text in frame.text)


def _mp4_pairs(tags: Any) -> Iterator[tuple[str, str]]:
    for name, values in tags.items():
        if name in _MP4:
            yield from ((_MP4[name], str(value)) for value in values)
        elif name in {"trkn", "disk"} and values:
            yield ("number" if name == "trkn" else "disc"), str(values[0][0])
        elif name.startswith("----:"):  # free-form: "----:com.apple.iTunes:ISRC"
            label = name.rpartition(":")[2]
            yield from ((label, bytes(value).decode("utf-8", "replace")) for value in values)


def _picture_of(file: Any) -> bytes | None:
    """The front cover, or else the first picture."""
    tags: Any = getattr(file, "tags", None)
    pictures: list[tuple[int, bytes]] = []
    if isinstance(file, FLAC):
        pictures = [(one.type, one.data) for one in file.pictures]
    elif isinstance(tags, ID3):
        pictures = [(one.type, one.data) for one in _frames(tags, "APIC")]
    elif isinstance(tags, MP4Tags):
        pictures = [(_FRONT_COVER, bytes(one)) for one in _atoms(tags, "covr")]
    fronts = [data for kind, data in pictures if kind == _FRONT_COVER]
    return next(iter([*fronts, *(data for _, data in pictures)]), None)


def _frames(tags: Any, name: str) -> list[Any]:
    return list(tags.getall(name))


def _atoms(tags: Any, name: str) -> list[Any]:
    return list(tags.get(name, ()))


def cleaned(text: str, *, lines: bool = False) -> str:
    """Text without what XML cannot hold and terminals obey; in one line, unless `lines`."""
    plain = _NO_TEXT.sub(" ", text)
    return plain.strip() if lines else re.sub(r"[\t\n\r]+", " ", plain).strip()


def _tags(found: Fields, picture: bytes | None, warnings: list[str]) -> Tags:
    fields = {
        name: tuple(
            one for value in values[:_MAX_VALUES] if (one := cleaned(value, lines=name == "lyrics"))
        )
        for name, values in found.items()
    }

    def first(name: str, limit: int = _MAX_TEXT) -> str | None:
        value = next(iter(fields.get(name, ())), None)
        return value[:limit] if value else None

    def checked(name: str, rule: Any, what: str) -> Any:
        text = first(name)
        value = rule(text) if text else None
        if text and value is None:
            warnings.append(f"its {what} {text!r} is not valid and was left out")
        return value

    return Tags(
        title=first("title"),
        artists=tuple(one[:_MAX_TEXT] for one in fields.get("artists") or fields.get("artist", ())),
        album=first("album"),
        album_artist=first("album_artist"),
        disc=_number(first("disc")) or 1,
        number=_number(first("number")),
        date=checked("date", _date, "date"),
        genre=first("genre"),
        isrc=checked("isrc", normalized_isrc, "ISRC"),
        upc=checked("upc", normalized_upc, "UPC"),
        copyright=first("copyright"),
        label=first("label"),
        lyrics=first("lyrics", _MAX_LYRICS),
        replaygain_track_db=checked("replaygain_track", _decibels, "ReplayGain"),
        replaygain_album_db=checked("replaygain_album", _decibels, "ReplayGain"),
        picture=picture,
        warnings=tuple(warnings),
    )


def _number(text: str | None) -> int | None:
    """3 from "3", "03" and "3/12"."""
    found = re.match(r"\s*([0-9]{1,4})\s*(?:/|$)", text or "")
    return int(found[1]) or None if found else None


def _date(text: str) -> str | None:
    found = re.match(
        r"([0-9]{4})(-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?(?![0-9])", text
    )
    return found[0] if found else None


def _decibels(text: str) -> float | None:
    found = re.fullmatch(r"([+-]?[0-9]{1,3}(?:\.[0-9]+)?)\s*(?:dB)?", text, re.IGNORECASE)
    return float(found[1]) if found else None
