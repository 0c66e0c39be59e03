"""The first tables: artists, releases, tracks, revisions, renditions, keys, jobs.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('artists',
    sa.Column('artist_id', sa.Integer(), nullable=False),
    sa.Column('tenant', sa.String(length=32), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('folded', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('artist_id', name=op.f('pk_artists')),
    sa.UniqueConstraint('tenant', 'folded', name=op.f('uq_artists_tenant_folded'))
    )
    op.create_table('jobs',
    sa.Column('job_id', sa.String(length=64), nullable=False),
    sa.Column('tenant', sa.String(length=32), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('stage', sa.String(length=32), nullable=False),
    sa.Column('stage_seconds', sa.JSON(), nullable=False),
    sa.Column('master_sha256', sa.String(length=64), nullable=True),
    sa.Column('track_id', sa.String(length=21), nullable=True),
    sa.Column('revision', sa.String(length=16), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('job_id', name=op.f('pk_jobs'))
    )
    op.create_index(op.f('ix_jobs_started_at'), 'jobs', ['started_at'], unique=False)
    op.create_table('releases',
    sa.Column('release_id', sa.String(length=21), nullable=False),
    sa.Column('tenant', sa.String(length=32), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('artist', sa.Text(), nullable=False),
    sa.Column('folded_title', sa.Text(), nullable=False),
    sa.Column('folded_artist', sa.Text(), nullable=False),
    sa.Column('upc', sa.String(length=14), nullable=True),
    sa.Column('date', sa.String(length=10), nullable=True),
    sa.Column('label', sa.Text(), nullable=True),
    sa.Column('copyright', sa.Text(), nullable=True),
    sa.Column('cover_key', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('release_id', name=op.f('pk_releases'))
    )
    op.create_index(op.f('ix_releases_folded_artist_date'), 'releases', ['folded_artist', 'date'], unique=False)
    op.create_index(op.f('ix_releases_upc'), 'releases', ['upc'], unique=False)
    op.create_table('tracks',
    sa.Column('track_id', sa.String(length=21), nullable=False),
    sa.Column('tenant', sa.String(length=32), nullable=False),
    sa.Column('release_id', sa.String(length=21), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('folded_title', sa.Text(), nullable=False),
    sa.Column('duration_s', sa.Float(), nullable=False),
    sa.Column('isrc', sa.String(length=12), nullable=True),
    sa.Column('operator_id', sa.Text(), nullable=True),
    sa.Column('disc', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('genre', sa.Text(), nullable=True),
    sa.Column('date', sa.String(length=10), nullable=True),
    sa.Column('copyright', sa.Text(), nullable=True),
    sa.Column('lyrics', sa.Text(), nullable=True),
    sa.Column('replaygain_track_db', sa.Float(), nullable=True),
    sa.Column('replaygain_album_db', sa.Float(), nullable=True),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('available_from', sa.DateTime(timezone=True), nullable=True),
    sa.Column('current_revision', sa.String(length=16), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['release_id'], ['releases.release_id'], name=op.f('fk_tracks_release_id_releases')),
    sa.ForeignKeyConstraint(['track_id', 'current_revision'], ['revisions.track_id', 'revisions.revision'], name='fk_tracks_current_revision_revisions', use_alter=True),
    sa.PrimaryKeyConstraint('track_id', name=op.f('pk_tracks'))
    )
    op.create_index(op.f('ix_tracks_folded_title_track_id'), 'tracks', ['folded_title', 'track_id'], unique=False)
    op.create_index(op.f('ix_tracks_isrc'), 'tracks', ['isrc'], unique=False)
    op.create_index(op.f('ix_tracks_operator_id'), 'tracks', ['operator_id'], unique=False)
    op.create_index(op.f('ix_tracks_release_id_disc_number'), 'tracks', ['release_id', 'disc', 'number'], unique=False)
    op.create_table('revisions',
    sa.Column('track_id', sa.String(length=21), nullable=False),
    sa.Column('revision', sa.String(length=16), nullable=False),
    sa.Column('master_sha256', sa.String(length=64), nullable=False),
    sa.Column('recipe_sha256', sa.String(length=64), nullable=False),
    sa.Column('master_format', sa.String(length=32), nullable=False),
    sa.Column('master_codec', sa.String(length=32), nullable=False),
    sa.Column('master_sample_rate_hz', sa.Integer(), nullable=False),
    sa.Column('master_channels', sa.Integer(), nullable=False),
    sa.Column('master_bit_depth', sa.Integer(), nullable=False),
    sa.Column('master_samples', sa.BigInteger(), nullable=False),
    sa.Column('scheme', sa.String(length=8), nullable=False),
    sa.Column('encoder', sa.Text(), nullable=False),
    sa.Column('integrated_lufs', sa.Float(), nullable=True),
    sa.Column('loudness_range_lu', sa.Float(), nullable=True),
    sa.Column('true_peak_dbtp', sa.Float(), nullable=True),
    sa.Column('notes', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['track_id'], ['tracks.track_id'], name=op.f('fk_revisions_track_id_tracks')),
    sa.PrimaryKeyConstraint('track_id', 'revision', name=op.f('pk_revisions'))
    )
    op.create_index(op.f('ix_revisions_master_sha256'), 'revisions', ['master_sha256'], unique=False)
    op.create_table('track_artists',
    sa.Column('track_id', sa.String(length=21), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('artist_id', sa.Integer(), nullable=False),
    sa.Column('credit', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['artist_id'], ['artists.artist_id'], name=op.f('fk_track_artists_artist_id_artists')),
    sa.ForeignKeyConstraint(['track_id'], ['tracks.track_id'], name=op.f('fk_track_artists_track_id_tracks')),
    sa.PrimaryKeyConstraint('track_id', 'position', name=op.f('pk_track_artists'))
    )
    op.create_index(op.f('ix_track_artists_artist_id'), 'track_artists', ['artist_id'], unique=False)
    op.create_table('keys',
    sa.Column('kid', sa.LargeBinary(length=16), nullable=False),
    sa.Column('tenant', sa.String(length=32), nullable=False),
    sa.Column('track_id', sa.String(length=21), nullable=False),
    sa.Column('revision', sa.String(length=16), nullable=False),
    sa.Column('tier', sa.String(length=32), nullable=False),
    sa.Column('scheme', sa.String(length=8), nullable=False),
    sa.Column('kek_id', sa.Text(), nullable=False),
    sa.Column('kek_version', sa.Integer(), nullable=False),
    sa.Column('nonce', sa.LargeBinary(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.Column('iv', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['track_id', 'revision'], ['revisions.track_id', 'revisions.revision'], name=op.f('fk_keys_track_id_revision_revisions')),
    sa.PrimaryKeyConstraint('kid', name=op.f('pk_keys')),
    sa.UniqueConstraint('track_id', 'revision', 'tier', 'scheme', name=op.f('uq_keys_track_id_revision_tier_scheme'))
    )
    op.create_index(op.f('ix_keys_kek_id_kek_version'), 'keys', ['kek_id', 'kek_version'], unique=False)
    op.create_table('renditions',
    sa.Column('track_id', sa.String(length=21), nullable=False),
    sa.Column('revision', sa.String(length=16), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('tier', sa.String(length=32), nullable=False),
    sa.Column('codec', sa.String(length=16), nullable=False),
    sa.Column('codecs', sa.String(length=32), nullable=False),
    sa.Column('average_bps', sa.Integer(), nullable=False),
    sa.Column('sample_rate_hz', sa.Integer(), nullable=False),
    sa.Column('channels', sa.Integer(), nullable=False),
    sa.Column('bit_depth', sa.Integer(), nullable=True),
    sa.Column('object_key', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['track_id', 'revision'], ['revisions.track_id', 'revisions.revision'], name=op.f('fk_renditions_track_id_revision_revisions')),
    sa.PrimaryKeyConstraint('track_id', 'revision', 'position', name=op.f('pk_renditions')),
    sa.UniqueConstraint('track_id', 'revision', 'name', name=op.f('uq_renditions_track_id_revision_name'))
    )

    # Tracks and revisions refer to each other: SQLite, which cannot ALTER, took this one with the
    # table above and does not mind that `revisions` came later; others get it now.
    if op.get_bind().dialect.supports_alter:
        op.create_foreign_key(
            "fk_tracks_current_revision_revisions",
            "tracks",
            "revisions",
            ["track_id", "current_revision"],
            ["track_id", "revision"],
        )
