"""`/api/v1/search`, `/autocomplete`, `/trending` and `/artists`."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog import artists
from catalog.records import ArtistRecord
from origin.api.catalog_models import Track
from origin.api.endpoint import Answer, Call, Endpoint
from origin.api.fields import NoBody
from origin.api.search_models import (
    Artist,
    ArtistPage,
    ArtistsQuery,
    AutocompleteQuery,
    FoundKind,
    OfArtist,
    SearchAnswer,
    SearchQuery,
    Suggestions,
    TopQuery,
    TrackList,
    TrendingQuery,
)
from origin.covers import covers_url
from origin.finding import find
from origin.routes.catalog_api import release_of, track_of
from origin.routes.lists import listed


async def get_search(call: Call[SearchQuery, NoBody]) -> SearchAnswer:
    """What fits best of each kind."""
    asked = call.params
    kinds = tuple(FoundKind) if asked.kind is None else (asked.kind,)
    async with call.state.deps.catalog.glance() as tx:
        found = await find(tx, asked.q, kinds, asked.limit)
    covers = covers_url(call.request, call.state)
    return SearchAnswer(
        tracks=tuple(map(track_of, found.tracks)),
        releases=tuple(release_of(one, covers) for one in found.releases),
        artists=tuple(map(artist_of, found.artists)),
    )


async def get_autocomplete(call: Call[AutocompleteQuery, NoBody]) -> Suggestions:
    """Names that begin so."""
    found = await call.state.remembered.completed(call.params.q, call.params.limit)
    return Suggestions(suggestions=found)


async def get_trending(call: Call[TrendingQuery, NoBody]) -> TrackList:
    """The most popular tracks."""
    found = await call.state.remembered.trending(call.params.limit)
    return TrackList(tracks=tuple(map(track_of, found)))


async def list_artists(call: Call[ArtistsQuery, NoBody]) -> ArtistPage:
    """One page of artists, by name."""
    found = await listed(call.state, call.params, "artists", artists.list_page, artists.count)
    return ArtistPage(
        artists=tuple(map(artist_of, found.items)),
        next=None if found.last is None else found.last.artist_id,
        total=found.total,
    )


async def get_artist(call: Call[OfArtist, NoBody]) -> Artist:
    """One artist of whom there is something to hear."""
    async with call.state.deps.catalog.glance() as tx:
        return artist_of(await artists.get(tx, call.params.artist_id, datetime.now(UTC)))


async def get_top_songs(call: Call[TopQuery, NoBody]) -> TrackList:
    """The most popular tracks of an artist."""
    asked, now = call.params, datetime.now(UTC)
    async with call.state.deps.catalog.glance() as tx:
        await artists.require(tx, asked.artist_id, now)
        found = await artists.top_tracks(tx, asked.artist_id, limit=asked.limit, now=now)
    return TrackList(tracks=tuple(map(track_of, found)))


def artist_of(one: ArtistRecord) -> Artist:
    """An artist as the API tells of them."""
    return Artist(artist_id=one.artist_id, name=one.name, track_count=one.track_count)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/search",
        get_search,
        "Tracks, releases and artists by what somebody types.",
        (Answer(SearchAnswer, "What fits best."),),
        SearchQuery,
        name="search",
        tag="search",
        revalidated=True,
    ),
    Endpoint(
        "GET",
        "/api/v1/autocomplete",
        get_autocomplete,
        "Names of tracks, releases and artists that what is typed may become.",
        (Answer(Suggestions, "The likeliest first."),),
        AutocompleteQuery,
        name="autocomplete",
        tag="search",
        revalidated=True,
    ),
    Endpoint(
        "GET",
        "/api/v1/trending",
        get_trending,
        "The most popular tracks.",
        (Answer(TrackList, "The most popular first."),),
        TrendingQuery,
        name="listTrending",
        tag="catalog",
        sparse=Track,
        revalidated=True,
    ),
    Endpoint(
        "GET",
        "/api/v1/artists",
        list_artists,
        "Artists, in order of name.",
        (Answer(ArtistPage, "A page."),),
        ArtistsQuery,
        name="listArtists",
        tag="catalog",
        sparse=Artist,
        revalidated=True,
        refusals={404: "There is no such artist as `after` names."},
    ),
    Endpoint(
        "GET",
        "/api/v1/artists/{artist_id}",
        get_artist,
        "An artist.",
        (Answer(Artist, "The artist."),),
        OfArtist,
        name="getArtist",
        tag="catalog",
        sparse=Artist,
        revalidated=True,
    ),
    Endpoint(
        "GET",
        "/api/v1/artists/{artist_id}/top-songs",
        get_top_songs,
        "An artist's most popular tracks.",
        (Answer(TrackList, "The most popular first."),),
        TopQuery,
        name="listTopSongs",
        tag="catalog",
        sparse=Track,
        revalidated=True,
    ),
)
