"""`/api/v1/releases`, `/tracks` and `/songs`: what may be listened to."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from catalog import releases, tracks
from catalog.records import ReleaseRecord, TrackRecord
from drm.policy import track_scope
from origin.api.catalog_models import (
    OfRelease,
    OfTrack,
    Picture,
    Release,
    ReleasePage,
    ReleasesQuery,
    ReleaseWithTracks,
    Song,
    Track,
    TrackPage,
    TracksQuery,
)
from origin.api.endpoint import Answer, Call, Endpoint
from origin.api.fields import NoBody
from origin.api.playback_models import Playback, StreamQuery
from origin.covers import covers_url
from origin.routes.lists import listed
from origin.routes.playback import way_to_track
from origin.sessions import asking


async def list_releases(call: Call[ReleasesQuery, NoBody]) -> ReleasePage:
    """One page of releases, in the catalog's order."""
    found = await listed(call.state, call.params, "releases", releases.list_page, releases.count)
    covers = covers_url(call.request, call.state)
    return ReleasePage(
        releases=tuple(release_of(one, covers) for one in found.items),
        next=None if found.last is None else found.last.release_id,
        total=found.total,
    )


async def get_release(call: Call[OfRelease, NoBody]) -> ReleaseWithTracks:
    """A release and its available tracks."""
    found = await call.state.remembered.release(call.params.release_id)
    known = release_of(found.release, covers_url(call.request, call.state))
    return ReleaseWithTracks(
        **{**dict(known), "track_count": len(found.tracks)},
        tracks=tuple(map(track_of, found.tracks)),
    )


async def list_tracks(call: Call[TracksQuery, NoBody]) -> TrackPage:
    """One page of available tracks, in the catalog's order."""
    release_id = call.params.release
    found = await listed(
        call.state,
        call.params,
        f"tracks:{release_id or ''}",
        partial(tracks.list_page, release_id=release_id),
        partial(tracks.count, release_id=release_id),
    )
    return TrackPage(
        tracks=tuple(map(track_of, found.items)),
        next=None if found.last is None else found.last.track_id,
        total=found.total,
    )


async def get_track(call: Call[OfTrack, NoBody]) -> Track:
    """One available track."""
    return track_of(await call.state.remembered.track(call.params.track_id))


async def get_song(call: Call[OfTrack, NoBody]) -> Song:
    """One available track, and the release that it is part of."""
    track = await call.state.remembered.track(call.params.track_id)
    release = None
    if track.release_id is not None:
        found = await call.state.remembered.release(track.release_id)
        counted = replace(found.release, track_count=len(found.tracks))
        release = release_of(counted, covers_url(call.request, call.state))
    return Song(**dict(track_of(track)), release=release)


async def get_song_stream(call: Call[StreamQuery, NoBody]) -> Playback:
    """The way to a track at a quality, of what the subscription opens."""
    asked = call.params
    scope = track_scope(asked.track_id)
    who = asking(call.request, call.state, call.caller, scope, asked.session, asked.quality)
    return await way_to_track(call.request, call.state, who, asked.track_id)


def release_of(one: ReleaseRecord, covers: str) -> Release:
    """A release as the API tells of it; `covers` is what signed URLs begin with."""
    return Release(
        release_id=one.release_id,
        title=one.title,
        artist=one.artist,
        upc=one.upc,
        date=one.date,
        label=one.label,
        copyright=one.copyright,
        track_count=one.track_count,
        cover=None if one.cover_key is None else covers + one.cover_key,
        covers=tuple(
            Picture(url=covers + picture.key, width=picture.width, height=picture.height)
            for picture in one.cover_pictures
        ),
    )


def track_of(one: TrackRecord) -> Track:
    """A track as the API tells of it."""
    return Track(
        track_id=one.track_id,
        release_id=one.release_id,
        title=one.title,
        artists=one.artists,
        duration_s=one.duration_s,
        disc=one.disc,
        number=one.number,
        isrc=one.isrc,
        genre=one.genre,
        date=one.date,
        copyright=one.copyright,
        lyrics=one.lyrics,
        replaygain_track_db=one.replaygain_track_db,
        replaygain_album_db=one.replaygain_album_db,
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/releases",
        list_releases,
        "Releases, in order of artist, date and title.",
        (Answer(ReleasePage, "A page."),),
        ReleasesQuery,
        name="listReleases",
        tag="catalog",
        sparse=Release,
        revalidated=True,
        refusals={404: "There is no such release as `after` names."},
    ),
    Endpoint(
        "GET",
        "/api/v1/releases/{release_id}",
        get_release,
        "A release and its tracks.",
        (Answer(ReleaseWithTracks, "The release."),),
        OfRelease,
        name="getRelease",
        tag="catalog",
        sparse=ReleaseWithTracks,
        revalidated=True,
    ),
    Endpoint(
        "GET",
        "/api/v1/tracks",
        list_tracks,
        "Tracks, in order of title; a release's in order of disc and number.",
        (Answer(TrackPage, "A page."),),
        TracksQuery,
        name="listTracks",
        tag="catalog",
        sparse=Track,
        revalidated=True,
        refusals={404: "There is no such track as `after` names."},
    ),
    Endpoint(
        "GET",
        "/api/v1/tracks/{track_id}",
        get_track,
        "A track.",
        (Answer(Track, "The track."),),
        OfTrack,
        name="getTrack",
        tag="catalog",
        sparse=Track,
        revalidated=True,
    ),
    Endpoint(
        "GET",
        "/api/v1/songs/{track_id}",
        get_song,
        "A track with its release.",
        (Answer(Song, "The track."),),
        OfTrack,
        name="getSong",
        tag="catalog",
        sparse=Song,
        revalidated=True,
    ),
    Endpoint(
        "GET",
        "/api/v1/songs/{track_id}/stream",
        get_song_stream,
        "The way to a track at a quality, of what the subscription opens.",
        (Answer(Playback, "Where it is, for as long as the token is good."),),
        StreamQuery,
        name="streamSong",
        tag="playback",
    ),
)
