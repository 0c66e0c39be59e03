"""The tables. Any change here needs a migration; a test compares both.

    artists --< track_artists >-- tracks --< revisions --< renditions
                                  tracks >-- releases      +--< keys
    jobs stand alone: they are kept when what they made is not; uploads, too
    external_keys, too: what they lock is elsewhere
    keks, and audit_chains --< audit_entries, stand alone: entries are only ever added
    rights --< rights_windows, of a track or a release; stream_accounts --< streams
    search_entries are of tracks, releases and artists, made of what those say

Only types that SQLite and PostgreSQL both have. Instants are UTC; ids and hashes are text.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: timezone-aware in Python, UTC in the database (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy passes it
    ) -> datetime | None:
        """Convert to UTC. ValueError for an instant without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"an instant needs a timezone: {value}"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy passes it
    ) -> datetime | None:
        """Make what the database gave aware again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Text that is sorted: byte by byte everywhere, not as the database's own language does.
Folded = Text().with_variant(Text(collation="C"), "postgresql")

# Names by rule, so that a migration can drop a constraint on any database.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _where_there_is_one(column: str) -> Index:
    """An index without its NULLs: with them SQLite takes one value for as frequent as they are."""
    there_is = text(f"{column} IS NOT NULL")
    return Index(None, column, sqlite_where=there_is, postgresql_where=there_is)


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
    _where_there_is_one("upc"),
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
    _where_there_is_one("isrc"),
    _where_there_is_one("operator_id"),
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

keys = Table(
    "keys",
    metadata,
    Column("kid", LargeBinary(16), primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("track_id", String(21), nullable=False),
    Column("revision", String(16), nullable=False),
    Column("tier", String(32), nullable=False),
    Column("scheme", String(8), nullable=False),
    Column("kek_id", Text, nullable=False),
    Column("kek_version", Integer, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("iv", LargeBinary, nullable=False),
    ForeignKeyConstraint(["track_id", "revision"], ["revisions.track_id", "revisions.revision"]),
    UniqueConstraint("track_id", "revision", "tier", "scheme"),
    Index(None, "kek_id", "kek_version"),  # a KEK rotation goes through these
)

# Keys that packagers of another make were given: they have no track here.
external_keys = Table(
    "external_keys",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("content_id", Text, nullable=False),  # the packager's own name for what it packages
    Column("kid", LargeBinary(16), nullable=False),
    Column("scheme", String(8), nullable=False),
    Column("kek_id", Text, nullable=False),
    Column("kek_version", Integer, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("iv", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant", "content_id", "kid", "scheme"),
    Index(None, "kek_id", "kek_version"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(64), primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("source", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("stage_seconds", JSON, nullable=False),
    Column("master_sha256", String(64)),
    # What was made; while the job runs, where it is about to write objects.
    Column("track_id", String(21)),
    Column("revision", String(16)),
    Column("error", Text),
    Column("fault", String(8)),  # of what it failed: the master's, or ours
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("finished_at", UtcDateTime),
    Column("started_at", UtcDateTime),  # of the last attempt
    Column("queue", String(8), nullable=False, server_default="hot"),
    # What is to be done, hashed, until it is done: nobody may ask for it twice.
    Column("open_key", String(64)),
    Column("options", JSON, nullable=False, server_default="{}"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", BigInteger, nullable=False, server_default="0"),  # grows by each claim
    Column("worker", Text),
    Column("lease_until", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("delivered_at", UtcDateTime),  # last sent to the broker
    Column("progress", Float, nullable=False, server_default="0"),  # 0 to 1
    Column("outcome", String(16)),
    Column("log", JSON, nullable=False, server_default="[]"),  # of attempts that ended
    Index(None, "state", "queue", "created_at"),
    Index("ix_jobs_open_key", "open_key", unique=True),
)

keks = Table(
    "keks",
    metadata,
    Column("kek_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("wraps", BigInteger, nullable=False),  # at least as many as there were
    Column("first_used_at", UtcDateTime, nullable=False),
)

audit_chains = Table(
    "audit_chains",
    metadata,
    Column("chain", String(16), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),  # from 1, without gaps
    Column("entries", BigInteger, nullable=False),
    Column("head", LargeBinary(32), nullable=False),  # the last entry's hash
    Column("seal", LargeBinary(32), nullable=False),  # a MAC of all that, by a key not kept here
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("chain", String(16), primary_key=True),
    Column("position", BigInteger, primary_key=True),  # from 0, without gaps
    Column("at_us", BigInteger, nullable=False, index=True),  # microseconds since 1970, UTC
    Column("event", String(32), nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),  # JSON, kept as the text that was hashed
    Column("whence", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

# The archive of masters.
masters = Table(
    "masters",
    metadata,
    Column("master_sha256", String(64), primary_key=True),
    Column("object_key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("place", String(8), nullable=False),  # storage or cold
    Column("archived_at", UtcDateTime, nullable=False),
    Index(None, "place", "archived_at"),
)

# Masters that labels send in. The file rests in the uploads' folder; the offset is here.
uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("owner", Text, nullable=False),  # whom the token speaks for: a label
    Column("name", Text, nullable=False),  # of the file, made harmless
    Column("fields", JSON, nullable=False),  # what was said of the recording
    Column("size", BigInteger, nullable=False),  # bytes, as announced
    Column("received", BigInteger, nullable=False),  # bytes that survive a power cut
    Column("state", String(8), nullable=False),
    Column("job_id", String(64), index=True),
    Column("track_id", String(21), index=True),  # that it will be
    Column("release_id", String(21), index=True),  # that it will be of
    Column("duration_s", Float),
    Column("estimate_s", Float),  # from the upload's end until it can be played
    Column("error", Text),  # why it ended without a job
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "owner", "created_at"),
    Index(None, "state", "expires_at"),
)

takedowns = Table(
    "takedowns",
    metadata,
    Column("track_id", ForeignKey("tracks.track_id"), primary_key=True),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("taken_down_at", UtcDateTime, nullable=False),
    Column("keys_destroyed_at", UtcDateTime),
)

# What a label allows. The owner is a track or a release, which may come later than its rights.
rights = Table(
    "rights",
    metadata,
    Column("owner", String(21), primary_key=True),
    Column("offline", Boolean, nullable=False),  # whether licenses may be kept
    Column("updated_at", UtcDateTime, nullable=False),
)

rights_windows = Table(
    "rights_windows",
    metadata,
    Column("owner", ForeignKey("rights.owner"), primary_key=True),
    Column("position", Integer, primary_key=True),  # from 0, as they were given
    Column("territory", String(2), nullable=False),  # ISO 3166-1 alpha-2, or "*": all others
    Column("licensed", Boolean, nullable=False),  # false: this territory is excepted
    Column("starts_at", UtcDateTime),
    Column("ends_at", UtcDateTime),  # the first instant that is out
)

stream_accounts = Table(
    "stream_accounts",
    metadata,
    Column("account", String(16), primary_key=True),  # a hash
    Column("played_at", UtcDateTime, nullable=False),
)

streams = Table(
    "streams",
    metadata,
    Column("account", ForeignKey("stream_accounts.account"), primary_key=True),
    Column("session", String(12), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
)

# Other names that something is known by.
alternate_names = Table(
    "alternate_names",
    metadata,
    Column("owner", String(21), primary_key=True),  # a track, a release, or an artist's number
    Column("position", Integer, primary_key=True),  # from 0, as they were given
    Column("name", Text, nullable=False),
)

# What search finds. Triggers keep the databases' own indexes of it: `search_index`, and
# `search_spelling` of the words.
search_entries = Table(
    "search_entries",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("item_id", String(21), nullable=False),
    Column("title", Text, nullable=False),  # words, as all texts here
    Column("artists", Text, nullable=False),
    Column("album", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("popularity", BigInteger, nullable=False),
    Column("weight", SmallInteger, nullable=False),
    UniqueConstraint("kind", "item_id"),
)

search_words = Table(
    "search_words",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("word", Folded, nullable=False, unique=True),
)

# What looks different to listeners, for those who remember how it was; the oldest are pruned.
changes = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("item_id", String(21), nullable=False),
)
