"""What the API tells of tracks and releases."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import Field

from origin.api.fields import DIGITS, Item, Model, Page, Params, ReleaseId, TrackId

Id = TypeVar("Id")

LARGEST_PAGE = 200
DEEPEST = 10_000  # beyond that a cursor is the only way that costs no more than the page

Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE), DIGITS]
Offset = Annotated[
    int,
    Field(
        ge=0,
        le=DEEPEST,
        description="Skip so many, from `after` on, and be told the total. Deeper than that there "
        "is only `after`.",
    ),
    DIGITS,
]


class Picture(Model):
    """A cover in one size."""

    url: str
    width: int = Field(description="Pixels.")
    height: int


class Track(Item):
    """A track that may be listened to."""

    track_id: TrackId
    release_id: ReleaseId | None
    title: str
    artists: tuple[str, ...] = Field(description="As credited, in order.")
    duration_s: float
    disc: int
    number: int | None
    isrc: str | None
    genre: str | None
    date: str | None = Field(description="YYYY, YYYY-MM or YYYY-MM-DD.")
    copyright: str | None
    lyrics: str | None
    replaygain_track_db: float | None = Field(description="As the label tagged it.")
    replaygain_album_db: float | None


class Release(Item):
    """An album, or what else came out as one."""

    release_id: ReleaseId
    title: str
    artist: str
    upc: str | None
    date: str | None = Field(description="YYYY, YYYY-MM or YYYY-MM-DD.")
    label: str | None
    copyright: str | None
    track_count: int = Field(description="Tracks that may be listened to.")
    cover: str | None = Field(description="A signed URL of the picture as it was delivered.")
    covers: tuple[Picture, ...] = Field(description="The smallest first.")


class ReleaseWithTracks(Release):
    """A release and its tracks, in order of disc and number."""

    tracks: tuple[Track, ...]


class Song(Track):
    """A track and what it is part of."""

    release: Release | None


class TrackPage(Page):
    """A page of tracks."""

    tracks: tuple[Track, ...]
    next: TrackId | None = Field(description="`after` of the following page; null: there is none.")
    total: int | None = Field(description="Of all pages; only where `offset` is given.")


class ReleasePage(Page):
    """A page of releases."""

    releases: tuple[Release, ...]
    next: ReleaseId | None = Field(description="`after` of the following page; null: there is none")
    total: int | None = Field(description="Of all pages; only where `offset` is given.")


class OfTrack(Params):
    """One track."""

    track_id: TrackId


class OfRelease(Params):
    """One release."""

    release_id: ReleaseId


class PageQuery(Params, Generic[Id]):
    """Which page of a list."""

    after: Id | None = Field(default=None, description="The last one of the page before.")
    offset: Offset | None = None
    limit: Limit = 50


class TracksQuery(PageQuery[TrackId]):
    """Which page of tracks."""

    release: ReleaseId | None = Field(default=None, description="Only this release's.")


class ReleasesQuery(PageQuery[ReleaseId]):
    """Which page of releases."""
