"""Wrapped content keys, what wrapped them, and the audit."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from catalog.schema.columns import UtcDateTime, metadata

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
