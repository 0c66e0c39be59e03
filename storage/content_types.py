"""What a bucket says of an object to a player that reads it without the origin."""

from __future__ import annotations

_IMMUTABLE = "public, max-age=31536000, immutable"  # RFC 8246: a key's bytes never change

_TYPES = {
    "mp4": "audio/mp4",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "m3u8": "application/vnd.apple.mpegurl",  # RFC 8216, 10
    "mpd": "application/dash+xml",  # ISO/IEC 23009-1, C
    "vtt": "text/vtt; charset=utf-8",
    "json": "application/json",
    "jpg": "image/jpeg",
    "png": "image/png",
}


def player_fields(key: str) -> dict[str, str]:
    """The fields of an object that players read, by the ending of its name; of others none."""
    kind = _TYPES.get(key.rpartition(".")[2])
    return {"content-type": kind, "cache-control": _IMMUTABLE} if kind else {}
