"""Rights of tracks and releases, and the streams that accounts play.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rights",
        sa.Column("owner", sa.String(length=21), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_rights")),
    )
    op.create_table(
        "rights_windows",
        sa.Column("owner", sa.String(length=21), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("territory", sa.String(length=2), nullable=False),
        sa.Column("licensed", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("owner", "position", name=op.f("pk_rights_windows")),
        sa.ForeignKeyConstraint(["owner"], ["rights.owner"], name=op.f("fk_rights_windows_owner_rights")),
    )
    op.create_table(
        "stream_accounts",
        sa.Column("account", sa.String(length=16), nullable=False),
        sa.Column("played_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_stream_accounts")),
    )
    op.create_table(
        "streams",
        sa.Column("account", sa.String(length=16), nullable=False),
        sa.Column("session", sa.String(length=12), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account", "session", name=op.f("pk_streams")),
        sa.ForeignKeyConstraint(
            ["account"], ["stream_accounts.account"], name=op.f("fk_streams_account_stream_accounts")
        ),
    )
