"""A `Package` as HLS text: one multivariant playlist and a media playlist per rendition.

Pure functions of their arguments: the same package gives the same bytes, in storage and at the
origin. Which tiers are in it is settled before, by `Package.only`.
"""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum
from itertools import accumulate, pairwise

import m3u8

from packager.hls.tags import CLEARKEY, IDENTITY, AudioGroup, Key, Keys
from packager.model import Codec, Package, Rendition, Scheme

_VERSION = 6  # EXT-X-MAP in a playlist that is not I-frames only. RFC 8216, 7
_METHOD = {Scheme.CBCS: "SAMPLE-AES", Scheme.CENC: "SAMPLE-AES-CTR"}
_ORDER = (Codec.AAC, Codec.OPUS, Codec.FLAC, Codec.ALAC, Codec.AC3, Codec.EC3)
_MICROSECOND = 1_000_000


class HlsForm(StrEnum):
    """How an encrypted playlist says where its key is; clear ones do not differ.

    WEB: for hls.js, which wants `org.w3.clearkey`, and Shaka Player, which wants `identity` but
    reads an empty KEYFORMAT as that too, while hls.js passes over it. (With a KEYFORMAT of
    `identity` in the playlist hls.js does not use the other line.)
    IDENTITY: RFC 8216's own, for everybody else.
    """

    WEB = "hls"
    IDENTITY = "hls-identity"


def multivariant(package: Package) -> str:
    """The multivariant playlist; a media playlist stands beside it as `{rendition}.m3u8`."""
    playlist = m3u8.M3U8()
    playlist.version = _VERSION
    playlist.is_independent_segments = True
    playlist.is_variant = True
    groups: dict[str, AudioGroup] = {}
    for one in sorted(package.renditions, key=_by_codec_and_rate):
        group = groups.setdefault(_group_id(one), _group(one))
        playlist.playlists.append(
            m3u8.Playlist(
                f"{one.name}.m3u8",
                {
                    "bandwidth": one.peak_bps,
                    "average_bandwidth": one.average_bps,
                    "codecs": one.codecs,
                    "audio": group.group_id,
                },
                [group],
                None,
            )
        )
    playlist.media.extend(groups.values())
    return str(playlist.dumps())


def media(
    rendition: Rendition, form: HlsForm, *, media_base: str = "", key_base: str = "keys/"
) -> str:
    """The media playlist of a rendition: byte ranges of its one track file.

    `media_base` and `key_base` are what the URIs of the file and of the key begin with, relative
    to the playlist. EXTINF values are rounded so that their sum is the presented duration.
    """
    file = media_base + rendition.file
    header = {"uri": file, "byterange": f"{rendition.init.size}@{rendition.init.start}"}
    keys = _keys(rendition, form, key_base)
    playlist = m3u8.M3U8()
    playlist.version = _VERSION
    playlist.playlist_type = "vod"
    playlist.is_endlist = True
    durations = _durations_us(rendition)
    # Rounded half up, of this playlist alone. RFC 8216bis, 4.4.3.1
    playlist.target_duration = (max(durations) * 2 + _MICROSECOND) // (2 * _MICROSECOND) or 1
    for segment, duration in zip(rendition.segments, durations, strict=True):
        playlist.segments.append(
            m3u8.Segment(
                uri=file,
                duration=duration / _MICROSECOND,
                byterange=f"{segment.span.size}@{segment.span.start}",
                keyobject=keys,
                init_section=header,
            )
        )
    return str(playlist.dumps(infspec="microseconds"))


def _by_codec_and_rate(one: Rendition) -> tuple[int, int, int, str]:
    return _ORDER.index(one.codec), one.sample_rate_hz, one.peak_bps, one.name


def _group_id(one: Rendition) -> str:
    return f"{one.codec.value}-{one.sample_rate_hz}-{one.channels}ch"


def _group(one: Rendition) -> AudioGroup:
    name = {1: "Mono", 2: "Stereo"}.get(one.channels, f"{one.channels} channels")
    return AudioGroup(_group_id(one), name, one.channels, one.sample_rate_hz, one.bit_depth)


def _keys(one: Rendition, form: HlsForm, key_base: str) -> Keys | None:
    if one.kid is None:
        return None
    method = _METHOD[one.scheme]
    uri = key_base + one.kid.hex
    if form is HlsForm.IDENTITY:
        return Keys((Key(method, uri, IDENTITY, one.iv),))
    # hls.js takes the KID from the attribute, or from the first 16 bytes of a data URI.
    kid_uri = f"data:application/octet-stream;base64,{b64encode(one.kid.value).decode()}"
    return Keys(
        (
            Key(method, kid_uri, CLEARKEY, key_id=one.kid.value),
            Key(method, uri, "", one.iv),
        )
    )


def _durations_us(one: Rendition) -> list[int]:
    """Segment durations in microseconds that add up to the rounded whole, without drift."""
    ticks = accumulate((segment.duration for segment in one.segments), initial=0)
    edges = [round(tick * _MICROSECOND / one.timescale) for tick in ticks]
    return [end - start for start, end in pairwise(edges)]
