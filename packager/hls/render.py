"""A `Package` as HLS text: one multivariant playlist and a media playlist per rendition.

Pure functions of their arguments: the same package gives the same bytes, in storage and at the
origin. Which tiers are in it is settled before, by `Package.only`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import m3u8

from packager.addressing import Addressing
from packager.hls.keys import HlsForm, keys_of
from packager.hls.tags import AudioGroup, ClearHeader, Key, Keys, attribute_text
from packager.hls.text import TextRendition
from packager.hls.text import renditions as text_renditions
from packager.loudness import loudness_text
from packager.model import Codec, Loudness, Package, Rendition, Scheme
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
        is_whole = one.scheme in {Scheme.CLEAR, Scheme.AES_128}
        if form is not HlsForm.AES_128 or is_whole:
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
    playlist = empty_multivariant()
    files = playable(package, form)
    groups: dict[str, AudioGroup] = {}
    texts = text_renditions(package)
    for one in files:
        group = groups.setdefault(group_id(one), audio_group(one))
        playlist.playlists.append(variant(one, group, one.peak_bps, one.average_bps, texts))
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
    header = header_of(
        rendition, addressing, media_base, keys_of(rendition, form, key_base, systems)
    )
    durations = durations_us(rendition)
    return vod(list(segments_of(rendition, addressing, media_base, durations, header)))


def empty_multivariant() -> m3u8.M3U8:
    """A multivariant playlist without variants."""
    playlist = m3u8.M3U8()
    playlist.version = _VERSION
    playlist.is_independent_segments = True
    playlist.is_variant = True
    return playlist


def variant(
    one: Rendition,
    group: AudioGroup,
    peak_bps: int,
    average_bps: int,
    texts: Sequence[TextRendition] = (),
) -> m3u8.Playlist:
    """The variant of one rendition, whose media playlist is called by its name."""
    return m3u8.Playlist(
        f"{one.name}.m3u8",
        {
            "bandwidth": peak_bps,
            "average_bandwidth": average_bps,
            "codecs": one.codecs,
            "audio": group.group_id,
            "stable_variant_id": one.name,
            "subtitles": texts[0].group_id if texts else None,
        },
        [group, *texts],
        None,
    )


def vod(segments: Sequence[m3u8.Segment]) -> str:
    """A media playlist of all these segments, whose durations are whole microseconds."""
    playlist = m3u8.M3U8()
    playlist.version = _VERSION
    playlist.playlist_type = "vod"
    playlist.is_endlist = True
    longest = max(round(segment.duration * _MICROSECOND) for segment in segments)
    # Rounded half up, of this playlist alone. RFC 8216bis, 4.4.3.1
    playlist.target_duration = (longest * 2 + _MICROSECOND) // (2 * _MICROSECOND) or 1
    playlist.segments.extend(segments)
    return str(playlist.dumps(infspec="microseconds"))


def header_of(
    one: Rendition, addressing: Addressing, media_base: str, keys: Keys | None
) -> ClearHeader:
    """What stands before the first segment of a track file."""
    if addressing is Addressing.SEGMENTS:
        return ClearHeader(f"{media_base}{one.name}/init.mp4", None, keys)
    return ClearHeader(media_base + one.file, f"{one.init.size}@{one.init.start}", keys)


def segments_of(
    one: Rendition,
    addressing: Addressing,
    media_base: str,
    durations: Sequence[int],
    header: ClearHeader,
) -> Iterator[m3u8.Segment]:
    """The segments of a track file; `durations` are of each in microseconds."""
    in_ranges = addressing is Addressing.RANGES
    for number, (segment, duration) in enumerate(zip(one.segments, durations, strict=True), 1):
        span = segment.span
        name = one.file if in_ranges else f"{one.name}/{number}.m4s"
        yield m3u8.Segment(
            uri=media_base + name,
            duration=duration / _MICROSECOND,
            byterange=f"{span.size}@{span.start}" if in_ranges else None,
            keyobject=header,
        )


def _session_data(
    package: Package, files: tuple[Rendition, ...]
) -> Iterator[m3u8.model.SessionData]:
    """What a player may show or needs to play without gaps.

    `gapless.{rendition}`: "timescale:delay/samples/padding", in ticks of that timescale: an edit
    list cuts the start of the decoded signal, but nothing in the file can cut its end.
    """
    yield from titles(package.title, package.artist)
    yield from loudness_data("track", package.loudness)
    yield from loudness_data("album", package.album_loudness)
    for one in files:
        trim = one.trim
        gapless = f"{one.timescale}:{trim.delay}/{trim.samples}/{trim.padding}"
        yield _data(f"gapless.{one.name}", gapless)


def titles(title: str, artist: str) -> Iterator[m3u8.model.SessionData]:
    """The title, also under the name that Apple's players and Shaka Player's page show; the artist.

    There is no such name for an artist.
    """
    if title:
        yield m3u8.model.SessionData("com.apple.hls.title", attribute_text(title))
        yield _data("title", title)
    if artist:
        yield _data("artist", artist)


def loudness_data(of: str, loudness: Loudness | None) -> Iterator[m3u8.model.SessionData]:
    """`loudness.track` and `loudness.album`, where they are known."""
    if loudness is not None and (text := loudness_text(loudness)):
        yield _data(f"loudness.{of}", text)


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


def group_id(one: Rendition) -> str:
    """The audio group of a rendition: its codec, sampling rate and channels."""
    coding = _PROFILES.get(one.codecs, one.codec.value)
    objects = "" if one.joc_complexity is None else "-joc"
    return f"{coding}-{one.sample_rate_hz}-{one.channels}ch{objects}"


def audio_group(one: Rendition) -> AudioGroup:
    """The group that `group_id` names."""
    name = _NAMES.get(one.channels, f"{one.channels} channels")
    channels = str(one.channels)
    if one.joc_complexity is not None:
        # RFC 8216bis, 4.4.6.1: the second parameter is a coding of objects, the first counts them.
        name, channels = "Dolby Atmos", f"{one.joc_complexity}/JOC"
    return AudioGroup(group_id(one), name, channels, one.sample_rate_hz, one.bit_depth)


def durations_us(one: Rendition) -> list[int]:
    """Segment durations in microseconds that add up to the rounded whole, without drift."""
    ticks = accumulate((segment.duration for segment in one.segments), initial=0)
    edges = [round(tick * _MICROSECOND / one.timescale) for tick in ticks]
    return [end - start for start, end in pairwise(edges)]
