"""On PostgreSQL, an index of what is popular alone, which search looks at first.

Some of what is not popular made up most of what the index of "hot" entries found of a word that
many have. Those some are now one in 32, and chosen by a hash: the numbers of an album's tracks, or
of artists, that were written in one rhythm were all in, or none.

Revision: 0014
"""

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
