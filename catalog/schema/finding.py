"""What search finds, how often it was played, and what has changed lately."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from catalog.schema.columns import Folded, metadata

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

# Songs that were begun. Each day is its own: what is older counts for less, and goes in the end.
plays = Table(
    "plays",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970, UTC
    Column("track_id", String(21), primary_key=True),
    Column("plays", BigInteger, nullable=False),
)

# What looks different to listeners, for those who remember how it was; the oldest are pruned.
changes = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("item_id", String(21), nullable=False),
)
