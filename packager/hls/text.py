"""Lyrics in HLS: a group of subtitles, and a media playlist of WebVTT segments for each text."""

from __future__ import annotations

from dataclasses import dataclass

import m3u8

from packager.hls.tags import quoted
from packager.model import Package, TextKind, TextTrack

_VERSION = 6
_GROUP = "lyrics"


@dataclass(frozen=True, slots=True)
class TextRendition:
    """`EXT-X-MEDIA:TYPE=SUBTITLES`. RFC 8216bis, 4.4.6.1.

    Not a default: nobody loads lyrics who does not look at them.
    """

    track: TextTrack
    group_id: str = _GROUP
    type: str = "SUBTITLES"

    @property
    def uri(self) -> str:
        """The media playlist, a sibling of the multivariant one."""
        return f"{self.track.name}.m3u8"

    def __str__(self) -> str:
        """The line."""
        language = self.track.language
        is_known = language != "und"
        parts = [
            f"TYPE={self.type}",
            f"GROUP-ID={quoted(self.group_id)}",
            f"NAME={quoted(f'Lyrics ({language})' if is_known else 'Lyrics')}",
            *([f"LANGUAGE={quoted(language)}"] if is_known else []),
            "DEFAULT=NO",
            "AUTOSELECT=YES",
            "FORCED=NO",
            f"STABLE-RENDITION-ID={quoted(self.track.name)}",
            f"URI={quoted(self.uri)}",
        ]
        return "#EXT-X-MEDIA:" + ",".join(parts)


def renditions(package: Package) -> tuple[TextRendition, ...]:
    """The subtitles of a package; text that is not timed is none."""
    return tuple(TextRendition(one) for one in package.lyrics if one.kind is TextKind.SYNCED)


def text_media(track: TextTrack, *, media_base: str = "") -> str:
    """The media playlist of a text: byte ranges of its file of segments.

    Each range is a whole WebVTT file. `media_base` is what the file's URI begins with.
    """
    playlist = m3u8.M3U8()
    playlist.version = _VERSION
    playlist.playlist_type = "vod"
    playlist.is_endlist = True
    scale = TextTrack.TIMESCALE
    longest = max(segment.duration for segment in track.segments)
    playlist.target_duration = (longest * 2 + scale) // (2 * scale) or 1
    for segment in track.segments:
        playlist.segments.append(
            m3u8.Segment(
                uri=media_base + track.segment_file,
                duration=segment.duration / scale,
                byterange=f"{segment.span.size}@{segment.span.start}",
            )
        )
    return str(playlist.dumps(infspec="milliseconds"))
