"""What `gc` asks: revisions by when they were published, releases by their covers.

Revision: 0015
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_revisions_created_at"), "revisions", ["created_at"])
    op.create_index(op.f("ix_releases_cover_key"), "releases", ["cover_key"])
