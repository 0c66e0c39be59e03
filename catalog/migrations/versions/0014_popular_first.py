"""Indexes of numbers without what has none; on PostgreSQL, of what is popular alone.

Where no track had a number of the operator's, SQLite's statistics said that looking for one finds
all of them, and it read the table.

Search looks at what is popular first. In the index of "hot" entries most are not: they are there so
that something is found in a catalog that nobody has played. Those are now one in 32, chosen by a
hash, because the numbers of entries that are written in one rhythm were all in, or none.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LEXEMES = (
    "array_to_tsvector(array_remove(string_to_array("
    "concat_ws(' ', NEW.title, NEW.artists, NEW.album, NEW.other), ' '), ''))"
)
_SOME = "((NEW.entry_id::bigint * 2654435761) >> 20) & 31 = 0"  # Knuth's multiplier


def upgrade() -> None:
    for table, column in (("tracks", "isrc"), ("tracks", "operator_id"), ("releases", "upc")):
        name = op.f(f"ix_{table}_{column}")
        there_is = sa.text(f"{column} IS NOT NULL")
        op.drop_index(name, table)
        op.create_index(
            name, table, [column], sqlite_where=there_is, postgresql_where=there_is
        )
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    for kind in (1, 2, 3):
        bind.exec_driver_sql(
            f"CREATE INDEX search_index_popular_{kind} ON search_index USING gin (words) "
            f"WITH (fastupdate = off) WHERE kind = {kind} AND weight >= 10"
        )
    bind.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION search_entries_to_index() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN INSERT INTO search_index VALUES (NEW.entry_id, NEW.kind, NEW.weight, "
        f"NEW.weight >= 10 OR {_SOME}, {_LEXEMES}) "
        "ON CONFLICT (entry_id) DO UPDATE SET weight = excluded.weight, hot = excluded.hot, "
        "words = excluded.words; RETURN NULL; END $$"
    )
