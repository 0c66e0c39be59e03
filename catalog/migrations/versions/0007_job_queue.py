"""Jobs that wait for a worker: queue, attempts, lease, fencing token, log.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("ix_jobs_started_at"), table_name="jobs")
    # Both databases know this form; what alembic would do on SQLite copies the table.
    op.execute("ALTER TABLE jobs RENAME COLUMN started_at TO created_at")
    for column in (
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queue", sa.String(length=8), nullable=False, server_default="hot"),
        sa.Column("open_key", sa.String(length=64), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.Float(), nullable=False, server_default="0"),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("log", sa.JSON(), nullable=False, server_default="[]"),
    ):
        op.add_column("jobs", column)
    # What ran before had no lease: nobody will end it.
    op.execute(
        "UPDATE jobs SET started_at = created_at, attempts = 1,"
        " state = CASE state WHEN 'running' THEN 'failed' ELSE state END"
    )
    op.create_index(op.f("ix_jobs_created_at"), "jobs", ["created_at"])
    op.create_index(op.f("ix_jobs_state_queue_created_at"), "jobs", ["state", "queue", "created_at"])
    op.create_index(op.f("ix_jobs_open_key"), "jobs", ["open_key"], unique=True)
