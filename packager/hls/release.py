"""The playlists of a whole release: its tracks one after the other, with discontinuities.

No session keys: a release has one per track and tier, and a player would fetch them all before the
first sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise

import m3u8

from packager import chapters
from packager.addressing import Addressing
from packager.hls.keys import HlsForm, keys_of
from packager.hls.render import (
    audio_group,
    empty_multivariant,
    group_id,
    header_of,
    loudness_data,
    playable,
    segments_of,
    titles,
    variant,
    vod,
)
from packager.hls.tags import AudioGroup
from packager.hls.text import renditions as text_renditions
from packager.model import Package, Rendition, Segment, TextTrack
from packager.release import starts_s, with_equal_lyrics
from packager.systems import CLEARKEY_ONLY, KeySystems

_MICROSECOND = 1_000_000

Base = Callable[[Package], str]  # what the URIs of a track's media or keys begin with


def release_multivariant(
    packages: Sequence[Package], form: HlsForm = HlsForm.WEB, *, title: str, artist: str
) -> str:
    """The multivariant playlist of a release; a media playlist stands beside it per rendition.

    So does one for each language of lyrics, and the document of `packager.chapters`. Pass what
    `packager.release.in_common` gives.
    """
    playlist = empty_multivariant()
    texts = text_renditions(with_equal_lyrics(packages)[0])
    groups: dict[str, AudioGroup] = {}
    for first in playable(packages[0], form):
        tracks = _of_all(packages, first.name, form)
        best = _best(tracks)
        group = groups.setdefault(group_id(best), audio_group(best))
        rates = max(one.peak_bps for one in tracks), _average_bps(tracks)
        playlist.playlists.append(variant(first, group, *rates, texts))
    playlist.media.extend((*groups.values(), *texts))
    playlist.session_data.extend(titles(title, artist))
    playlist.session_data.extend(loudness_data("album", packages[0].album_loudness))
    playlist.session_data.append(m3u8.model.SessionData(chapters.DATA_ID, uri=chapters.DOCUMENT))
    return str(playlist.dumps())


def release_media(
    packages: Sequence[Package],
    name: str,
    form: HlsForm,
    *,
    media_base: Base,
    key_base: Base,
    addressing: Addressing = Addressing.RANGES,
    systems: KeySystems = CLEARKEY_ONLY,
) -> str:
    """The media playlist of the track files called `name`, which every package has.

    Every track begins at the same microsecond in all renditions, so that a player can change
    between them anywhere; EXTINF values add up to the release's rounded duration.
    """
    segments: list[m3u8.Segment] = []
    tracks = _of_all(packages, name, form)
    for package, one, edges in zip(packages, tracks, pairwise(starts_s(packages)), strict=True):
        base = media_base(package)
        keys = keys_of(one, form, key_base(package), systems)
        header = replace(
            header_of(one, addressing, base, keys), is_discontinuity=package is not packages[0]
        )
        durations = _between(one.segments, one.timescale, *edges)
        segments += segments_of(one, addressing, base, durations, header)
    return vod(segments)


def release_text(packages: Sequence[Package], name: str, *, media_base: Base) -> str | None:
    """The media playlist of the lyrics called `name`; None where no track has them."""
    segments: list[m3u8.Segment] = []
    whole = with_equal_lyrics(packages)
    for package, (start_s, end_s) in zip(whole, pairwise(starts_s(whole)), strict=True):
        track = next((one for one in package.lyrics if one.name == name), None)
        if track is None:
            return None
        durations = _between(track.segments, TextTrack.TIMESCALE, start_s, end_s)
        for number, (segment, duration) in enumerate(zip(track.segments, durations, strict=True)):
            segments.append(
                m3u8.Segment(
                    uri=media_base(package) + track.segment_file,
                    duration=duration / _MICROSECOND,
                    byterange=f"{segment.span.size}@{segment.span.start}",
                    discontinuity=not number and package is not whole[0],
                )
            )
    return vod(segments)


def _of_all(packages: Sequence[Package], name: str, form: HlsForm) -> list[Rendition]:
    return [
        next(one for one in playable(package, form) if one.name == name) for package in packages
    ]


def _best(tracks: Sequence[Rendition]) -> Rendition:
    """The first track's, with the highest sampling rate and depth that the release comes to.

    RFC 8216bis, 4.4.6.1: both are there for players to tell whether their hardware will do.
    """
    depths = [one.bit_depth for one in tracks if one.bit_depth is not None]
    return replace(
        tracks[0],
        sample_rate_hz=max(one.sample_rate_hz for one in tracks),
        bit_depth=max(depths, default=None),
    )


def _average_bps(tracks: Sequence[Rendition]) -> int:
    size = sum(segment.span.size for one in tracks for segment in one.segments)
    return -(-size * 8 // sum((one.duration_s for one in tracks), start=Fraction(0)))


def _between(
    segments: Sequence[Segment], timescale: int, start_s: Fraction, end_s: Fraction
) -> list[int]:
    """Segment durations in microseconds between the rounded edges of the track."""
    ticks = list(accumulate((segment.duration for segment in segments[:-1]), initial=0))
    edges = [*(start_s + Fraction(tick, timescale) for tick in ticks), end_s]
    return [end - start for start, end in pairwise(round(edge * _MICROSECOND) for edge in edges)]
