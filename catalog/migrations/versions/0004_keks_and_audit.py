"""What KEK versions have wrapped, and the audit of keys.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keks",
        sa.Column("kek_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wraps", sa.BigInteger(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kek_id", "version", name=op.f("pk_keks")),
    )
    op.create_table(
        "audit_chains",
        sa.Column("chain", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seal", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chains")),
        sa.UniqueConstraint("number", name=op.f("uq_audit_chains_number")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("chain", sa.String(length=16), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("whence", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("chain", "position", name=op.f("pk_audit_entries")),
    )
    op.create_index(op.f("ix_audit_entries_at_us"), "audit_entries", ["at_us"])
    if op.get_bind().dialect.name == "sqlite":  # against mistakes; the hashes are against people
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_entries_no_{what.lower()} BEFORE {what} ON audit_entries "
                "BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added'); END"
            )
