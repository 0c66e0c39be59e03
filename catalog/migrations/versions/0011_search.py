"""Search: what is found, other names, popularity, changes; databases' own indexes by triggers.

The entries of tracks that are there already are made after the migrations, by `catalog.engine`.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# An entry's place among those that are found: by kind, the popular ones first. FTS5 finds in the
# order of rowids, so the first 200 are the most popular ones, however many there are.
_PLACE = "(({0}.kind << 56) | ((63 - {0}.weight) << 48) | {0}.entry_id)"
_TEXT = "{0}.title || ' ' || {0}.artists || ' ' || {0}.album || ' ' || {0}.other"
_FORGET = (
    "INSERT INTO search_index(search_index, rowid, words) "
    f"VALUES ('delete', {_PLACE}, {_TEXT});".format("old")
)
_LEARN = f"INSERT INTO search_index(rowid, words) VALUES ({_PLACE}, {_TEXT});".format("new")

_SQLITE = (
    # Neither columns nor positions: who is found is looked at closer elsewhere.
    "CREATE VIRTUAL TABLE search_index USING fts5(words, content='', columnsize=0, detail=none, "
    "prefix='1 2 3', tokenize=\"unicode61 remove_diacritics 0 categories 'L* M* N* Co'\")",
    f"CREATE TRIGGER search_entries_new AFTER INSERT ON search_entries BEGIN {_LEARN} END",
    f"CREATE TRIGGER search_entries_gone AFTER DELETE ON search_entries BEGIN {_FORGET} END",
    "CREATE TRIGGER search_entries_changed AFTER UPDATE OF title, artists, album, other, weight "
    f"ON search_entries BEGIN {_FORGET} {_LEARN} END",
    "CREATE VIRTUAL TABLE search_spelling USING fts5(word, content='', columnsize=0, detail=none, "
    "tokenize='trigram case_sensitive 1')",
    "CREATE TRIGGER search_words_new AFTER INSERT ON search_words BEGIN "
    "INSERT INTO search_spelling(rowid, word) VALUES (new.number, '##' || new.word || '#'); END",
)

_LEXEMES = (
    "array_to_tsvector(array_remove(string_to_array("
    "concat_ws(' ', NEW.title, NEW.artists, NEW.album, NEW.other), ' '), ''))"
)
# GIN finds in no order. Of a word that many have, the popular ones and some of the others are
# enough, and an index of their own: a sixty-fourth of a catalog that nobody has played yet.
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE TABLE search_index (entry_id integer PRIMARY KEY, kind smallint NOT NULL, "
    "weight smallint NOT NULL, hot boolean NOT NULL, words tsvector NOT NULL)",
    *(
        f"CREATE INDEX search_index_{name}_{kind} ON search_index USING gin (words) "
        f"WITH (fastupdate = off) WHERE kind = {kind}{also}"
        for kind in (1, 2, 3)
        for name, also in (("all", ""), ("hot", " AND hot"))
    ),
    "CREATE FUNCTION search_entries_to_index() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO search_index VALUES (NEW.entry_id, NEW.kind, NEW.weight, "
    f"NEW.weight >= 10 OR mod(NEW.entry_id, 64) = 0, {_LEXEMES}) "
    "ON CONFLICT (entry_id) DO UPDATE SET weight = excluded.weight, hot = excluded.hot, "
    "words = excluded.words; RETURN NULL; END $$",
    "CREATE FUNCTION search_entries_from_index() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "DELETE FROM search_index WHERE entry_id = OLD.entry_id; RETURN NULL; END $$",
    "CREATE TRIGGER search_entries_kept AFTER INSERT OR UPDATE OF title, artists, album, other, "
    "weight ON search_entries FOR EACH ROW EXECUTE FUNCTION search_entries_to_index()",
    "CREATE TRIGGER search_entries_gone AFTER DELETE ON search_entries "
    "FOR EACH ROW EXECUTE FUNCTION search_entries_from_index()",
    "CREATE TABLE search_spelling (word text PRIMARY KEY)",
    "CREATE INDEX search_spelling_alike ON search_spelling USING gin (word gin_trgm_ops) "
    "WITH (fastupdate = off)",
    "CREATE FUNCTION search_words_to_spelling() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO search_spelling VALUES (NEW.word) ON CONFLICT DO NOTHING; RETURN NULL; END $$",
    "CREATE TRIGGER search_words_new AFTER INSERT ON search_words "
    "FOR EACH ROW EXECUTE FUNCTION search_words_to_spelling()",
)


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    folded = sa.Text(collation="C") if is_postgresql else sa.Text()
    for table in ("tracks", "track_artists"):
        op.add_column(
            table, sa.Column("popularity", sa.BigInteger(), server_default="0", nullable=False)
        )
    op.create_index(op.f("ix_artists_folded_artist_id"), "artists", ["folded", "artist_id"])
    op.create_index(
        op.f("ix_tracks_popularity_track_id"), "tracks", ["popularity", "track_id"]
    )
    op.create_index(
        op.f("ix_track_artists_artist_id_popularity_track_id"),
        "track_artists",
        ["artist_id", "popularity", "track_id"],
    )
    op.drop_index(op.f("ix_track_artists_artist_id"), "track_artists")
    op.create_table(
        "alternate_names",
        sa.Column("owner", sa.String(length=21), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "position", name=op.f("pk_alternate_names")),
    )
    op.create_table(
        "search_entries",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("item_id", sa.String(length=21), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("artists", sa.Text(), nullable=False),
        sa.Column("album", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("popularity", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_search_entries")),
        sa.UniqueConstraint("kind", "item_id", name=op.f("uq_search_entries_kind_item_id")),
    )
    op.create_table(
        "search_words",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("word", folded, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_search_words")),
        sa.UniqueConstraint("word", name=op.f("uq_search_words_word")),
    )
    op.create_table(
        "changes",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.String(length=21), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_changes")),
    )
    bind = op.get_bind()
    for statement in _POSTGRESQL if is_postgresql else _SQLITE:
        bind.exec_driver_sql(statement)
