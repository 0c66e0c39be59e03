"""How often songs were begun, day by day: what popularity is counted from.

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plays",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.String(21), nullable=False),
        sa.Column("plays", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "track_id", name=op.f("pk_plays")),
    )
