"""What columns and indexes are made of, and the one MetaData that all tables are in."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Index, MetaData, Text, TypeDecorator, text


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


def where_there_is_one(column: str) -> Index:
    """An index without its NULLs: with them SQLite takes one value for as frequent as they are."""
    there_is = text(f"{column} IS NOT NULL")
    return Index(None, column, sqlite_where=there_is, postgresql_where=there_is)
