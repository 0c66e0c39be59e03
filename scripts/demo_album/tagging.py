"""The album's tags, in each format's own way: ID3v2.4, Vorbis comments, iTunes atoms."""

from __future__ import annotations

from pathlib import Path

from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import (
    APIC,
    ID3,
    SYLT,
    TALB,
    TCON,
    TCOP,
    TDRC,
    TIT2,
    TPE1,
    TPE2,
    TPOS,
    TPUB,
    TRCK,
    TSRC,
    TXXX,
    USLT,
    Encoding,
)
from mutagen.mp4 import MP4, AtomDataType, MP4Cover, MP4FreeForm
from mutagen.wave import WAVE

from scripts.demo_album.album import ALBUM, TRACKS, Track

_FRONT_COVER = 3  # ID3v2.4.0, 4.14; FLAC uses the same numbers


def tag(path: Path, track: Track, cover: bytes) -> None:
    """Write all of a track's tags and its cover (JPEG) into its master."""
    match path.suffix:
        case ".flac":
            _tag_flac(path, track, cover)
        case ".m4a":
            _tag_mp4(path, track, cover)
        case ".wav":
            _tag_id3(WAVE(path), track, cover)
        case ".aiff":
            _tag_id3(AIFF(path), track, cover)
        case suffix:
            msg = f"no way to tag a {suffix}"
            raise ValueError(msg)


def lrc(lines: tuple[tuple[float, str], ...]) -> str:
    """Lyrics in LRC: `[mm:ss.hh]line`."""
    return "\n".join(f"[{int(at // 60):02}:{at % 60:05.2f}]{text}" for at, text in lines)


def _tag_flac(path: Path, track: Track, cover: bytes) -> None:
    file = FLAC(path)
    file.update(
        {
            "TITLE": track.title,
            "ARTIST": track.artist,
            "ALBUM": ALBUM.title,
            "ALBUMARTIST": ALBUM.artist,
            "TRACKNUMBER": str(track.number),
            "TRACKTOTAL": str(len(TRACKS)),
            "DISCNUMBER": "1",
            "DISCTOTAL": "1",
            "DATE": ALBUM.date,
            "GENRE": track.genre,
            "ISRC": track.isrc,
            "BARCODE": ALBUM.upc,
            "LABEL": ALBUM.label,
            "COPYRIGHT": ALBUM.copyright,
        }
    )
    if track.lyrics:
        file["LYRICS"] = lrc(track.lyrics())
    picture = Picture()
    picture.type, picture.mime, picture.data = _FRONT_COVER, "image/jpeg", cover
    picture.width = picture.height = 1400
    picture.depth = 24
    file.add_picture(picture)
    file.save()


def _tag_mp4(path: Path, track: Track, cover: bytes) -> None:
    file = MP4(path)
    own = {"ISRC": track.isrc, "BARCODE": ALBUM.upc, "LABEL": ALBUM.label}
    file.update(
        {
            "\xa9nam": track.title,
            "\xa9ART": track.artist,
            "\xa9alb": ALBUM.title,
            "aART": ALBUM.artist,
            "trkn": [(track.number, len(TRACKS))],
            "disk": [(1, 1)],
            "\xa9day": ALBUM.date,
            "\xa9gen": track.genre,
            "cprt": ALBUM.copyright,
            "covr": [MP4Cover(cover, MP4Cover.FORMAT_JPEG)],
        }
    )
    for name, value in own.items():
        text = MP4FreeForm(value.encode(), AtomDataType.UTF8)
        file[f"----:com.apple.iTunes:{name}"] = [text]
    if track.lyrics:
        file["\xa9lyr"] = lrc(track.lyrics())
    file.save()


def _tag_id3(file: WAVE | AIFF, track: Track, cover: bytes) -> None:
    file.add_tags()  # type: ignore[no-untyped-call]  # made by a decorator in mutagen
    tags = file.tags
    if not isinstance(tags, ID3):
        msg = f"{file.filename} has no ID3 tags"
        raise TypeError(msg)
    for frame, value in (
        (TIT2, track.title),
        (TPE1, track.artist),
        (TALB, ALBUM.title),
        (TPE2, ALBUM.artist),
        (TRCK, f"{track.number}/{len(TRACKS)}"),
        (TPOS, "1/1"),
        (TDRC, ALBUM.date),
        (TCON, track.genre),
        (TSRC, track.isrc),
        (TPUB, ALBUM.label),
        (TCOP, ALBUM.copyright),
    ):
        tags.add(frame(encoding=Encoding.UTF8, text=[value]))
    tags.add(TXXX(encoding=Encoding.UTF8, desc="BARCODE", text=[ALBUM.upc]))
    tags.add(APIC(encoding=Encoding.LATIN1, mime="image/jpeg", type=_FRONT_COVER, data=cover))
    if track.lyrics:
        lines = track.lyrics()
        timed = [(text, round(at * 1000)) for at, text in lines]
        tags.add(USLT(encoding=Encoding.UTF8, lang="eng", text=lrc(lines)))
        # ID3v2.4.0, 4.9: format 2 counts milliseconds, type 1 is lyrics.
        tags.add(SYLT(encoding=Encoding.UTF8, lang="eng", format=2, type=1, text=timed))
    file.save()
