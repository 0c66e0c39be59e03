"""Object keys: the one place that knows how the storage is laid out.

    tracks/{track_id}/{revision}/{file}     a revision's track files, manifests and package index
    covers/{sha256}.{ext}                   cover pictures, by their content
    masters/{sha256}.{format}               archived masters, by their content; never served

The same paths appear in the origin's URLs. Every piece is checked: what comes from a URL may be
passed in as it is, and InvalidKey says that no such object can exist.
"""

from __future__ import annotations

import re

from storage.base import InvalidKey

PACKAGE_INDEX = "package.json"
COVER_TYPES = ("jpg", "png")
MASTER_FORMATS = ("wav", "w64", "flac", "aiff", "mov", "caf")

_TRACK_ID = re.compile(r"t[a-z2-7]{20}")
_REVISION = re.compile(r"[0-9a-f]{16}")
_FILE = re.compile(r"[a-z0-9]+(-[a-z0-9_]+)*\.[a-z0-9]{1,8}")  # "_" is in names of tiers
_SHA256 = re.compile(r"[0-9a-f]{64}")


def track_prefix(track_id: str, revision: str) -> str:
    """Make the prefix of everything that one revision consists of, ending in "/"."""
    _require(_TRACK_ID, track_id, "a track id")
    _require(_REVISION, revision, "a revision")
    return f"tracks/{track_id}/{revision}/"


def track_object(track_id: str, revision: str, file: str) -> str:
    """Make the key of one file of a revision: `aac-128k.mp4`, `manifest.mpd`, `package.json`."""
    _require(_FILE, file, "a package's file name")
    return track_prefix(track_id, revision) + file


def cover_object(sha256: str, ext: str) -> str:
    """Make the key of a cover picture: the hex SHA-256 of its bytes, and `jpg` or `png`."""
    _require(_SHA256, sha256, "a SHA-256")
    if ext not in COVER_TYPES:
        msg = f"{ext[:20]!r} is not a cover type: {', '.join(COVER_TYPES)}"
        raise InvalidKey(msg)
    return f"covers/{sha256}.{ext}"


def master_object(sha256: str, form: str) -> str:
    """Make the key of an archived master: the hex SHA-256 of its bytes, and its format."""
    _require(_SHA256, sha256, "a SHA-256")
    if form not in MASTER_FORMATS:
        msg = f"{form[:20]!r} is not a master's format: {', '.join(MASTER_FORMATS)}"
        raise InvalidKey(msg)
    return f"masters/{sha256}.{form}"


def split_track_key(key: str) -> tuple[str, str, str] | None:
    """Take a track object's key apart: track id, revision, file; None if it is no such key."""
    parts = key.split("/")
    if len(parts) != 4 or parts[0] != "tracks":
        return None
    track_id, revision, file = parts[1:]
    if not (_TRACK_ID.fullmatch(track_id) and _REVISION.fullmatch(revision)):
        return None
    return track_id, revision, file


def _require(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        msg = f"{text[:80]!r} is not {what}"
        raise InvalidKey(msg)
