"""Whose an archived master is whose revision is out of the catalog; what jobs tell of older ones.

Revision: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_FILL = """
INSERT INTO former_masters (track_id, master_sha256)
SELECT DISTINCT jobs.track_id, masters.master_sha256
FROM masters JOIN jobs ON jobs.master_sha256 = masters.master_sha256
WHERE jobs.track_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM revisions
    WHERE revisions.master_sha256 = masters.master_sha256 AND revisions.track_id = jobs.track_id
)
"""


def upgrade() -> None:
    op.create_table(
        "former_masters",
        sa.Column("track_id", sa.String(21), nullable=False),
        sa.Column("master_sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("track_id", "master_sha256", name=op.f("pk_former_masters")),
    )
    op.create_index(
        op.f("ix_former_masters_master_sha256"), "former_masters", ["master_sha256"]
    )
    op.execute(_FILL)
