"""The package index: a `Package` as deterministic JSON, and back.

It rests beside the track files as `package.json`. Segments are stored as sizes and durations
only: offsets and times follow, since segments lie end to end in file and time.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from packager import companions
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import (
    ByteSpan,
    Codec,
    KeySignaling,
    Kid,
    Loudness,
    Package,
    Rendition,
    Scheme,
    Segment,
    Trim,
)

FORMAT = 1  # raised when a reader of the old form would misread the new one
_UNKNOWN: dict[str, float | None] = {
    "integrated_lufs": None,
    "range_lu": None,
    "true_peak_dbtp": None,
}


def encode(package: Package) -> bytes:
    """UTF-8 JSON; equal packages give equal bytes."""
    document = {
        "format": FORMAT,
        "track_id": package.track_id,
        "revision": package.revision,
        "title": package.title,
        "artist": package.artist,
        "loudness": _loudness(package.loudness),
        "album_loudness": _loudness(package.album_loudness),
        "renditions": [_rendition(one) for one in package.renditions],
        **companions.encode(package),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode(data: bytes) -> Package:
    """Read what `encode` wrote. MalformedMedia, or UnsupportedMedia for a later format."""
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise UnsupportedMedia(f"a package index of format {document['format']!r}")
        return Package(
            track_id=document["track_id"],
            revision=document["revision"],
            title=document["title"],
            artist=document["artist"],
            renditions=tuple(_read_rendition(one) for one in document["renditions"]),
            loudness=_read_loudness(document["loudness"]),
            # Absent from what the first versions wrote.
            album_loudness=_read_loudness(document.get("album_loudness", _UNKNOWN)),
            **companions.decode(document),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise MalformedMedia(f"not a package index: {exc!r}", path="package.json") from exc


def _loudness(loudness: Loudness | None) -> dict[str, float | None]:
    return _UNKNOWN if loudness is None else asdict(loudness)


def _read_loudness(data: Mapping[str, float | None]) -> Loudness | None:
    values = {name: data[name] for name in _UNKNOWN}
    return None if values == _UNKNOWN else Loudness(**values)


def _rendition(one: Rendition) -> dict[str, Any]:
    return {
        "name": one.name,
        "tier": one.tier,
        "codec": one.codec.value,
        "codecs": one.codecs,
        "timescale": one.timescale,
        "sample_rate_hz": one.sample_rate_hz,
        "channels": one.channels,
        "channel_configuration": one.channel_configuration,
        "joc_complexity": one.joc_complexity,
        "bit_depth": one.bit_depth,
        "gapless": {
            "delay": one.trim.delay,
            "samples": one.trim.samples,
            "padding": one.trim.padding,
        },
        "file": {"name": one.file, "size": one.size, "sha256": one.sha256},
        "init": [one.init.start, one.init.end],
        "sidx": [one.sidx.start, one.sidx.end],
        "segments": [[segment.span.size, segment.duration] for segment in one.segments],
        **({"digests": b64encode(one.digests).decode()} if one.digests else {}),
        "aes128": _rendition(one.aes128) if one.aes128 else None,
        "protection": {
            "scheme": one.scheme.value,
            "kid": one.kid.hex if one.kid else None,
            "iv": one.iv.hex() if one.iv else None,
            **({"signaling": _signaling(one.signaling)} if one.signaling else {}),
        },
    }


def _signaling(signaling: KeySignaling) -> dict[str, str | None]:
    return {
        "widevine": signaling.widevine.hex() if signaling.widevine else None,
        "playready": signaling.playready.hex() if signaling.playready else None,
        "fairplay": signaling.fairplay,
    }


def _read_signaling(data: Mapping[str, str | None]) -> KeySignaling:
    widevine, playready = data["widevine"], data["playready"]
    return KeySignaling(
        widevine=bytes.fromhex(widevine) if widevine else None,
        playready=bytes.fromhex(playready) if playready else None,
        fairplay=data["fairplay"],
    )


def _read_rendition(data: Mapping[str, Any]) -> Rendition:
    protection = data["protection"]
    gapless = data["gapless"]
    sidx = ByteSpan(*data["sidx"])
    return Rendition(
        name=data["name"],
        tier=data["tier"],
        codec=Codec(data["codec"]),
        codecs=data["codecs"],
        timescale=data["timescale"],
        sample_rate_hz=data["sample_rate_hz"],
        channels=data["channels"],
        bit_depth=data["bit_depth"],
        trim=Trim(gapless["delay"], gapless["samples"], gapless["padding"]),
        init=ByteSpan(*data["init"]),
        sidx=sidx,
        segments=_read_segments(data["segments"], sidx.end),
        size=data["file"]["size"],
        sha256=data["file"]["sha256"],
        scheme=Scheme(protection["scheme"]),
        kid=Kid.parse(protection["kid"]) if protection["kid"] else None,
        iv=bytes.fromhex(protection["iv"]) if protection["iv"] else None,
        # Absent from what the first versions wrote.
        aes128=_read_rendition(data["aes128"]) if data.get("aes128") else None,
        channel_configuration=data.get("channel_configuration"),
        joc_complexity=data.get("joc_complexity"),
        digests=b64decode(data.get("digests", ""), validate=True),
        signaling=_read_signaling(protection["signaling"]) if "signaling" in protection else None,
    )


def _read_segments(rows: list[list[int]], offset: int) -> tuple[Segment, ...]:
    segments = []
    start = 0
    for size, duration in rows:
        segments.append(Segment(ByteSpan(offset, offset + size), start, duration))
        offset += size
        start += duration
    return tuple(segments)
