"""A `Package` as HLS text: one multivariant playlist and a media playlist per rendition.

Pure functions of their arguments: the same package gives the same bytes, in storage and at the
origin. Which tiers are in it is settled before, by `Package.only`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

import m3u8

from packager.addressing import Addressing
from packager.hls.keys import HlsForm, keys_of
from packager.hls.tags import AudioGroup, ClearHeader, Key, attribute_text
from packager.hls.text import renditions as text_renditions
from packager.model import Codec, Package, Rendition, Scheme
from packager.pictures import DOCUMENT
from packager.systems import CLEARKEY_ONLY, KeySystems

__all__ = ["HlsForm", "media", "multivariant", "playable"]

_VERSION = 6  # EXT-X-MAP in a playlist that is not I-frames only. RFC 8216, 7
_ORDER = (Codec.AAC, Codec.OPUS, Codec.FLAC, Codec.ALAC, Codec.AC3, Codec.EC3)
_PROFILES = {"mp4a.40.5": "heaac", "mp4a.40.29": "heaacv2"}  # groups of their own
_NAMES = {1: "Mono", 2: "Stereo", 6: "5.1", 8: "7.1"}
_MICROSECOND = 1_000_000
_DATA_ID = "org.headwater"


def playable(package: Package, form: HlsForm) -> tuple[Rendition, ...]:
    """The track files that a form of playlist refers to, by codec and rising bit rate.

    AES_128 is made of the second files, where a rendition has one; a clear rendition is its own.
    """
    files: list[Rendition] = []
    for one in package.renditions:
        if form is not HlsForm.AES_128 or one.scheme is Scheme.CLEAR:
            files.append(one)
        elif one.aes128 is not None:
            files.append(one.aes128)
    return tuple(sorted(files, key=_by_codec_and_rate))


def multivariant(
    package: Package,
    form: HlsForm = HlsForm.WEB,
    *,
    key_base: str = "keys/",
    systems: KeySystems = CLEARKEY_ONLY,
    media_base: str = "",
) -> str:
    """The multivariant playlist; a media playlist stands beside it as `{rendition}.m3u8`."""
    playlist = m3u8.M3U8()
    playlist.version = _VERSION
    playlist.is_independent_segments = True
    playlist.is_variant = True
    files = playable(package, form)
    groups: dict[str, AudioGroup] = {}
    texts = text_renditions(package)
    for one in files:
        group = groups.setdefault(_group_id(one), _group(one))
        playlist.playlists.append(
            m3u8.Playlist(
                f"{one.name}.m3u8",
                {
                    "bandwidth": one.peak_bps,
                    "average_bandwidth": one.average_bps,
                    "codecs": one.codecs,
                    "audio": group.group_id,
                    "stable_variant_id": one.name,
                    "subtitles": texts[0].group_id if texts else None,
                },
                [group, *texts],
                None,
            )
        )
    playlist.media.extend((*groups.values(), *texts))
    playlist.session_data.extend(_session_data(package, files))
    if package.pictures:
        # A URI is of a JSON document: FORMAT, of the bis draft, makes older readers fail.
        covers = m3u8.model.SessionData(f"{_DATA_ID}.covers", uri=media_base + DOCUMENT)
        playlist.session_data.append(covers)
    playlist.session_keys.extend(_session_keys(files, form, key_base, systems))
    return str(playlist.dumps())


def media(
    rendition: Rendition,
    form: HlsForm,
    *,
    media_base: str = "",
    key_base: str = "keys/",
    addressing: Addressing = Addressing.RANGES,
    systems: KeySystems = CLEARKEY_ONLY,
) -> str:
    """The media playlist of one track file.

    `media_base` and `key_base` are what the URIs of media and of keys begin with, relative to
    the playlist. EXTINF values are rounded so that their sum is the presented duration.
    """
    playlist = m3u8.M3U8()
    playlist.version = _VERSION
    playlist.playlist_type = "vod"
    playlist.is_endlist = True
    durations = _durations_us(rendition)
    # Rounded half up, of this playlist alone. RFC 8216bis, 4.4.3.1
    playlist.target_duration = (max(durations) * 2 + _MICROSECOND) // (2 * _MICROSECOND) or 1
    in_ranges = addressing is Addressing.RANGES
    header = ClearHeader(
        media_base + (rendition.file if in_ranges else f"{rendition.name}/init.mp4"),
        f"{rendition.init.size}@{rendition.init.start}" if in_ranges else None,
        keys_of(rendition, form, key_base, systems),
    )
    for number, (segment, duration) in enumerate(
        zip(rendition.segments, durations, strict=True), 1
    ):
        span = segment.span
        playlist.segments.append(
            m3u8.Segment(
                uri=media_base
                + (rendition.file if in_ranges else f"{rendition.name}/{number}.m4s"),
                duration=duration / _MICROSECOND,
                byterange=f"{span.size}@{span.start}" if in_ranges else None,
                keyobject=header,
            )
        )
    return str(playlist.dumps(infspec="microseconds"))


def _session_data(
    package: Package, files: tuple[Rendition, ...]
) -> Iterator[m3u8.model.SessionData]:
    """What a player may show or needs to play without gaps.

    `gapless.{rendition}`: "timescale:delay/samples/padding", in ticks of that timescale: an edit
    list cuts the start of the decoded signal, but nothing in the file can cut its end.
    """
    for name, text in (("title", package.title), ("artist", package.artist)):
        if text:
            yield _data(name, text)
    for one in files:
        trim = one.trim
        gapless = f"{one.timescale}:{trim.delay}/{trim.samples}/{trim.padding}"
        yield _data(f"gapless.{one.name}", gapless)


def _data(name: str, value: str) -> m3u8.model.SessionData:
    return m3u8.model.SessionData(f"{_DATA_ID}.{name}", attribute_text(value))


def _session_keys(
    files: tuple[Rendition, ...], form: HlsForm, key_base: str, systems: KeySystems
) -> Iterator[Key]:
    """Each key of the media playlists once, with the same attributes. RFC 8216bis, 4.4.6.5.

    The line with the empty KEYFORMAT is left out: Shaka Player would fetch it too early to know
    its KID.
    """
    seen = set()
    for one in files:
        keys = keys_of(one, form, key_base, systems)
        for key in keys.keys if keys else ():
            if key.key_format and key not in seen:
                seen.add(key)
                yield replace(key, tag="EXT-X-SESSION-KEY")


def _by_codec_and_rate(one: Rendition) -> tuple[int, int, int, str]:
    return _ORDER.index(one.codec), one.sample_rate_hz, one.peak_bps, one.name


def _group_id(one: Rendition) -> str:
    coding = _PROFILES.get(one.codecs, one.codec.value)
    objects = "" if one.joc_complexity is None else "-joc"
    return f"{coding}-{one.sample_rate_hz}-{one.channels}ch{objects}"


def _group(one: Rendition) -> AudioGroup:
    name = _NAMES.get(one.channels, f"{one.channels} channels")
    channels = str(one.channels)
    if one.joc_complexity is not None:
        # RFC 8216bis, 4.4.6.1: the second parameter is a coding of objects, the first counts them.
        name, channels = "Dolby Atmos", f"{one.joc_complexity}/JOC"
    return AudioGroup(_group_id(one), name, channels, one.sample_rate_hz, one.bit_depth)


def _durations_us(one: Rendition) -> list[int]:
    """Segment durations in microseconds that add up to the rounded whole, without drift."""
    ticks = accumulate((segment.duration for segment in one.segments), initial=0)
    edges = [round(tick * _MICROSECOND / one.timescale) for tick in ticks]
    return [end - start for start, end in pairwise(edges)]
