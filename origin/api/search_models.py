"""What the API tells of what is found, and of artists."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from origin.api.catalog_models import Limit, PageQuery, Release, Track
from origin.api.fields import DIGITS, Item, Model, Page, Params

LONGEST_QUERY = 200  # characters

ArtistId = Annotated[int, Field(ge=1, le=2**31 - 1), DIGITS]
Query = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_QUERY,
        pattern=r"^[^\u0000-\u001f\u007f]*$",
        description="What was typed: words of titles, artists, albums, genres and other names, an "
        "ISRC or a UPC. The last word may be a beginning; case, accents and a letter or two that "
        "are wrong do not matter.",
        examples=["light"],
    ),
]


class FoundKind(StrEnum):
    """What something that is found is."""

    TRACK = "track"
    RELEASE = "release"
    ARTIST = "artist"


class Artist(Item):
    """Who is credited."""

    artist_id: int
    name: str
    track_count: int = Field(description="Tracks that may be listened to.")


class ArtistPage(Page):
    """A page of artists."""

    artists: tuple[Artist, ...]
    next: int | None = Field(description="`after` of the following page; null: there is none.")
    total: int | None = Field(description="Of all pages; only where `offset` is given.")


class TrackList(Page):
    """Tracks in an order of their own."""

    tracks: tuple[Track, ...]


class SearchAnswer(Model):
    """What fits best of each kind, the best first."""

    tracks: tuple[Track, ...]
    releases: tuple[Release, ...]
    artists: tuple[Artist, ...]


class Suggestion(Model):
    """What somebody may be about to type."""

    text: str
    kind: FoundKind
    id: str


class Suggestions(Model):
    """The likeliest first."""

    suggestions: tuple[Suggestion, ...]


class OfArtist(Params):
    """One artist."""

    artist_id: ArtistId


class ArtistsQuery(PageQuery[ArtistId]):
    """Which page of artists."""


class TopQuery(OfArtist):
    """How many of an artist's songs."""

    limit: Limit = 10


class TrendingQuery(Params):
    """How many."""

    limit: Limit = 50


class SearchQuery(Params):
    """What is looked for."""

    q: Query
    kind: FoundKind | None = Field(default=None, description="Only these; else all three kinds.")
    limit: Annotated[int, Field(ge=1, le=50), DIGITS] = 20


class AutocompleteQuery(Params):
    """What was typed so far."""

    q: Query
    limit: Annotated[int, Field(ge=1, le=20), DIGITS] = 10
