"""The grammar of media paths: a raw path to a value, or nothing. Pure.

Nothing is percent-decoded and nothing is normalized: every character that our own manifests use
stands for itself, so a path has exactly one spelling and all others are unknown (security.md 7.4).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from drm.playback_urls import TOKEN_PREFIX
from packager.addressing import Addressing

PREFIX = TOKEN_PREFIX
AUTH = "/v1/auth/"  # what edges ask, about what is under PREFIX
LICENSE = "/license/clearkey"  # as `drm.playback_urls` writes it

_TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,512}", re.ASCII)
_TRACK = re.compile(r"tracks/(t[a-z2-7]{20})/([0-9a-f]{16})/(.+)", re.ASCII)
_RELEASE = re.compile(r"releases/(r[a-z2-7]{20})/([0-9a-f]{16})/(.+)", re.ASCII)
_COVER = re.compile(r"covers/([0-9a-f]{64})\.(jpg|png)", re.ASCII)

_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_ACCESS = r"[a-z][a-z0-9_]*(?:-[a-z][a-z0-9_]*)*"
_FILE = re.compile(rf"({_NAME})\.mp4", re.ASCII)
_INIT = re.compile(rf"({_NAME})/init\.mp4", re.ASCII)
_SEGMENT = re.compile(rf"({_NAME})/([1-9][0-9]{{0,5}})\.m4s", re.ASCII)
_HLS = r"hls|hls-identity|hls-aes128"
_PLAYLIST = re.compile(rf"({_ACCESS})/({_HLS})(-segments)?/({_NAME})\.m3u8", re.ASCII)
_DASH = re.compile(rf"({_ACCESS})/(dash)(-segments)?/(manifest)\.mpd", re.ASCII)
_CHAPTERS = re.compile(rf"({_ACCESS})/({_HLS})(-segments)?/(chapters)\.json", re.ASCII)
_LANGUAGE = r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,4}"
_COMPANION = re.compile(
    rf"lyrics-{_LANGUAGE}\.(?:vtt|txt)|segments-{_LANGUAGE}\.vtt|no-lyrics\.vtt"
    r"|covers\.json|cover-[1-9][0-9]{0,4}x[1-9][0-9]{0,4}\.(?:jpg|png)"
    r"|download-[a-z][a-z0-9_]{0,31}\.(?:m4a|mp3)",
    re.ASCII,
)
_KEY = re.compile(r"keys/([0-9a-f]{32})", re.ASCII)
_LONGEST = 512  # characters after the token; ours stay under 150


class Form(StrEnum):
    """What a manifest is written for; the path says it, never a query."""

    HLS = "hls"
    HLS_IDENTITY = "hls-identity"
    HLS_AES128 = "hls-aes128"
    DASH = "dash"


@dataclass(frozen=True, slots=True)
class TrackFile:
    """A whole CMAF track file."""

    track_id: str
    revision: str
    rendition: str


@dataclass(frozen=True, slots=True)
class InitSegment:
    """A rendition's init segment on its own."""

    track_id: str
    revision: str
    rendition: str


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """One segment of a rendition on its own."""

    track_id: str
    revision: str
    rendition: str
    number: int  # 1-based


@dataclass(frozen=True, slots=True)
class Manifest:
    """A multivariant playlist or an MPD (`rendition` None), or one rendition's media playlist."""

    track_id: str
    revision: str
    access: str  # the tiers it is filtered to, as written in the path
    form: Form
    addressing: Addressing  # the form's name ends in "-segments" for a URL per segment
    rendition: str | None


@dataclass(frozen=True, slots=True)
class ReleaseManifest:
    """The same of a whole release; its media and keys are those of its tracks."""

    release_id: str
    edition: str  # which tracks it has, in which revisions, as a hash
    access: str
    form: Form
    addressing: Addressing
    rendition: str | None
    is_chapters: bool = False  # the list of its tracks that its multivariant playlist names


@dataclass(frozen=True, slots=True)
class CompanionFile:
    """Lyrics, a picture or a plain download of a track."""

    track_id: str
    revision: str
    file: str


@dataclass(frozen=True, slots=True)
class HlsKey:
    """A content key for HLS identity delivery."""

    track_id: str
    revision: str
    kid: bytes  # 16 bytes


@dataclass(frozen=True, slots=True)
class Cover:
    """A cover picture."""

    sha256: str
    extension: str


Media = TrackFile | InitSegment | MediaSegment
MediaPath = Media | Manifest | ReleaseManifest | CompanionFile | HlsKey | Cover


def split_token(raw_path: str) -> tuple[str, str] | None:
    """The token and the rest of `/v1/t/{token}/{rest}`; None for any other path."""
    token, slash, rest = raw_path[len(PREFIX) :].partition("/")
    if not raw_path.startswith(PREFIX) or not slash or not _TOKEN.fullmatch(token):
        return None
    return token, rest


def parse(rest: str) -> MediaPath | None:
    """The meaning of what follows the token; None for what this origin does not have."""
    if len(rest) > _LONGEST:
        return None
    if match := _TRACK.fullmatch(rest):
        track_id, revision, tail = match.groups()
        return _parse_track(track_id, revision, tail)
    if match := _RELEASE.fullmatch(rest):
        release_id, edition, tail = match.groups()
        return _parse_release(release_id, edition, tail)
    if match := _COVER.fullmatch(rest):
        return Cover(match[1], match[2])
    return None


def _parse_track(track_id: str, revision: str, tail: str) -> MediaPath | None:
    for pattern, make in _TAILS:
        if match := pattern.fullmatch(tail):
            return make(track_id, revision, match)
    return None


def _parse_release(release_id: str, edition: str, tail: str) -> ReleaseManifest | None:
    if match := _CHAPTERS.fullmatch(tail):
        access, form, addressing, _ = _manifest_tail(match)
        return ReleaseManifest(
            release_id, edition, access, form, addressing, None, is_chapters=True
        )
    match = _DASH.fullmatch(tail) or _PLAYLIST.fullmatch(tail)
    return None if match is None else ReleaseManifest(release_id, edition, *_manifest_tail(match))


def _manifest(track_id: str, revision: str, match: re.Match[str]) -> Manifest:
    return Manifest(track_id, revision, *_manifest_tail(match))


def _manifest_tail(match: re.Match[str]) -> tuple[str, Form, Addressing, str | None]:
    addressing = Addressing.SEGMENTS if match[3] else Addressing.RANGES
    rendition = None if match[4] in {"multivariant", "manifest"} else match[4]
    return match[1], Form(match[2]), addressing, rendition


# What may follow the revision, and what it means.
_TAILS: tuple[tuple[re.Pattern[str], Callable[[str, str, re.Match[str]], MediaPath]], ...] = (
    (_SEGMENT, lambda track, revision, m: MediaSegment(track, revision, m[1], int(m[2]))),
    (_INIT, lambda track, revision, m: InitSegment(track, revision, m[1])),
    (_FILE, lambda track, revision, m: TrackFile(track, revision, m[1])),
    (_COMPANION, lambda track, revision, m: CompanionFile(track, revision, m[0])),
    (_KEY, lambda track, revision, m: HlsKey(track, revision, bytes.fromhex(m[1]))),
    (_DASH, _manifest),
    (_PLAYLIST, _manifest),
)
