"""Lists in the same order on every database, and from the middle of an index.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SORTED = (
    ("artists", "folded"),
    ("releases", "folded_title"),
    ("releases", "folded_artist"),
    ("tracks", "folded_title"),
)


def upgrade() -> None:
    op.add_column(
        "releases", sa.Column("sort_date", sa.String(length=10), server_default="", nullable=False)
    )
    op.execute("UPDATE releases SET sort_date = date WHERE date IS NOT NULL")
    op.drop_index(op.f("ix_releases_folded_artist_date"), "releases")
    op.create_index(
        op.f("ix_releases_folded_artist_sort_date_folded_title_release_id"),
        "releases",
        ["folded_artist", "sort_date", "folded_title", "release_id"],
    )
    op.create_index(op.f("ix_releases_folded_title"), "releases", ["folded_title"])
    if op.get_bind().dialect.name == "postgresql":
        for table, column in _SORTED:
            op.alter_column(table, column, type_=sa.Text(collation="C"), existing_nullable=False)
        # As SQLite has since 0004: against mistakes; the hashes are against people.
        op.execute(
            "CREATE FUNCTION audit_entries_only_added() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit entries are only ever added'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE ON audit_entries "
            "FOR EACH ROW EXECUTE FUNCTION audit_entries_only_added()"
        )
