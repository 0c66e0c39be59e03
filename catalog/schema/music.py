"""Artists, releases, tracks, and what was made of their masters."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from catalog.schema.columns import Folded, UtcDateTime, metadata, where_there_is_one

artists = Table(
    "artists",
    metadata,
    Column("artist_id", Integer, primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("name", Text, nullable=False),  # as first credited
    Column("folded", Folded, nullable=False),
    UniqueConstraint("tenant", "folded"),
    Index(None, "folded", "artist_id"),
)

releases = Table(
    "releases",
    metadata,
    Column("release_id", String(21), primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("artist", Text, nullable=False),
    Column("folded_title", Folded, nullable=False),
    Column("folded_artist", Folded, nullable=False),
    Column("upc", String(14)),
    Column("date", String(10)),
    Column("label", Text),
    Column("copyright", Text),
    Column("cover_key", Text, index=True),
    Column("cover_pictures", JSON(none_as_null=True)),  # [[object key, width, height], ...]
    # Of all its tracks' current revisions together; null where one of them was not measured so.
    Column("integrated_lufs", Float),
    Column("loudness_range_lu", Float),
    Column("true_peak_dbtp", Float),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("sort_date", String(10), nullable=False, server_default=""),  # the date, or nothing
    Index(None, "folded_artist", "sort_date", "folded_title", "release_id"),
    Index(None, "folded_title"),
    where_there_is_one("upc"),
)

tracks = Table(
    "tracks",
    metadata,
    Column("track_id", String(21), primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("release_id", ForeignKey("releases.release_id")),
    Column("title", Text, nullable=False),
    Column("folded_title", Folded, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("isrc", String(12)),
    Column("operator_id", Text),
    Column("disc", Integer, nullable=False),
    Column("number", Integer),
    Column("genre", Text),
    Column("date", String(10)),
    Column("copyright", Text),
    Column("lyrics", Text),
    Column("replaygain_track_db", Float),
    Column("replaygain_album_db", Float),
    Column("status", String(16), nullable=False),
    Column("available_from", UtcDateTime),
    Column("current_revision", String(16)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("popularity", BigInteger, nullable=False, server_default="0"),  # plays, lately
    # The pointer that publishing flips: it can only point to a revision that is there. Tracks and
    # revisions refer to each other, so on PostgreSQL this one is added by ALTER.
    ForeignKeyConstraint(
        ["track_id", "current_revision"],
        ["revisions.track_id", "revisions.revision"],
        name="fk_tracks_current_revision_revisions",
        use_alter=True,
    ),
    Index(None, "release_id", "disc", "number"),
    Index(None, "folded_title", "track_id"),
    Index(None, "popularity", "track_id"),
    where_there_is_one("isrc"),
    where_there_is_one("operator_id"),
)

track_artists = Table(
    "track_artists",
    metadata,
    Column("track_id", ForeignKey("tracks.track_id"), primary_key=True),
    Column("position", Integer, primary_key=True),  # from 0, in the order of credits
    Column("artist_id", ForeignKey("artists.artist_id"), nullable=False),
    Column("credit", Text, nullable=False),  # the name as this track spells it
    Column("popularity", BigInteger, nullable=False, server_default="0"),  # the track's
    Index(None, "artist_id", "popularity", "track_id"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("track_id", ForeignKey("tracks.track_id"), primary_key=True),
    Column("revision", String(16), primary_key=True),
    Column("master_sha256", String(64), nullable=False, index=True),
    Column("recipe_sha256", String(64), nullable=False),
    Column("words_sha256", String(64)),  # what its delivery last said of the track
    Column("master_format", String(32), nullable=False),
    Column("master_codec", String(32), nullable=False),
    Column("master_sample_rate_hz", Integer, nullable=False),
    Column("master_channels", Integer, nullable=False),
    Column("master_bit_depth", Integer, nullable=False),
    Column("master_samples", BigInteger, nullable=False),
    Column("scheme", String(8), nullable=False),
    Column("encoder", Text, nullable=False),
    Column("integrated_lufs", Float),
    Column("loudness_range_lu", Float),
    Column("true_peak_dbtp", Float),
    Column("loudness_blocks", JSON(none_as_null=True)),  # what album loudness is computed from
    Column("notes", JSON, nullable=False),  # a list of sentences
    Column("created_at", UtcDateTime, nullable=False, index=True),
)

renditions = Table(
    "renditions",
    metadata,
    Column("track_id", String(21), primary_key=True),
    Column("revision", String(16), primary_key=True),
    Column("position", Integer, primary_key=True),  # from 0, in the order of the ladder
    Column("name", String(40), nullable=False),
    Column("tier", String(32), nullable=False),
    Column("codec", String(16), nullable=False),
    Column("codecs", String(32), nullable=False),
    Column("average_bps", Integer, nullable=False),
    Column("sample_rate_hz", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("bit_depth", Integer),
    Column("object_key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    ForeignKeyConstraint(["track_id", "revision"], ["revisions.track_id", "revisions.revision"]),
    UniqueConstraint("track_id", "revision", "name"),
)
