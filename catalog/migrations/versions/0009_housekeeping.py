"""Archived masters, and tracks that were taken down.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "masters",
        sa.Column("master_sha256", sa.String(length=64), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=8), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("master_sha256", name=op.f("pk_masters")),
    )
    op.create_index(op.f("ix_masters_place_archived_at"), "masters", ["place", "archived_at"])
    op.create_table(
        "takedowns",
        sa.Column("track_id", sa.String(length=21), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("taken_down_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keys_destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.track_id"], name=op.f("fk_takedowns_track_id_tracks")),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_takedowns")),
    )
