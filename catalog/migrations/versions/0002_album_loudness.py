"""The loudness of releases, and the blocks of revisions that it is computed from.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("integrated_lufs", "loudness_range_lu", "true_peak_dbtp"):
        op.add_column("releases", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("revisions", sa.Column("loudness_blocks", sa.JSON(), nullable=True))
