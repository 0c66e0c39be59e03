"""Uploads say which release they are for; jobs, whose fault an end was; revisions, their words.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("release_id", sa.String(length=21), nullable=True))
    op.create_index(op.f("ix_uploads_release_id"), "uploads", ["release_id"])
    op.add_column("jobs", sa.Column("fault", sa.String(length=8), nullable=True))
    op.add_column("revisions", sa.Column("words_sha256", sa.String(length=64), nullable=True))
