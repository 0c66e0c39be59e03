"""Who may have what: takedowns, the rights that labels give, streams at the same time."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text

from catalog.schema.columns import UtcDateTime, metadata

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
