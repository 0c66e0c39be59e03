"""What is to be done and was: jobs, uploads, and the archive of masters."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, String, Table, Text

from catalog.schema.columns import UtcDateTime, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(64), primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("source", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("stage_seconds", JSON, nullable=False),
    Column("master_sha256", String(64)),
    # What was made; while the job runs, where it is about to write objects.
    Column("track_id", String(21)),
    Column("revision", String(16)),
    Column("error", Text),
    Column("fault", String(8)),  # of what it failed: the master's, or ours
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("finished_at", UtcDateTime),
    Column("started_at", UtcDateTime),  # of the last attempt
    Column("queue", String(8), nullable=False, server_default="hot"),
    # What is to be done, hashed, until it is done: nobody may ask for it twice.
    Column("open_key", String(64)),
    Column("options", JSON, nullable=False, server_default="{}"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", BigInteger, nullable=False, server_default="0"),  # grows by each claim
    Column("worker", Text),
    Column("lease_until", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("delivered_at", UtcDateTime),  # last sent to the broker
    Column("progress", Float, nullable=False, server_default="0"),  # 0 to 1
    Column("outcome", String(16)),
    Column("log", JSON, nullable=False, server_default="[]"),  # of attempts that ended
    Index(None, "state", "queue", "created_at"),
    Index("ix_jobs_open_key", "open_key", unique=True),
)

# The archive of masters.
masters = Table(
    "masters",
    metadata,
    Column("master_sha256", String(64), primary_key=True),
    Column("object_key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("place", String(8), nullable=False),  # storage or cold
    Column("archived_at", UtcDateTime, nullable=False),
    Index(None, "place", "archived_at"),
)

# Archived masters of revisions that are out of the catalog: their tracks are answerable for them.
former_masters = Table(
    "former_masters",
    metadata,
    Column("track_id", String(21), primary_key=True),
    Column("master_sha256", String(64), primary_key=True, index=True),
)

# Masters that labels send in. The file rests in the uploads' folder; the offset is here.
uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("tenant", String(32), nullable=False),
    Column("owner", Text, nullable=False),  # whom the token speaks for: a label
    Column("name", Text, nullable=False),  # of the file, made harmless
    Column("fields", JSON, nullable=False),  # what was said of the recording
    Column("size", BigInteger, nullable=False),  # bytes, as announced
    Column("received", BigInteger, nullable=False),  # bytes that survive a power cut
    Column("state", String(8), nullable=False),
    Column("job_id", String(64), index=True),
    Column("track_id", String(21), index=True),  # that it will be
    Column("release_id", String(21), index=True),  # that it will be of
    Column("duration_s", Float),
    Column("estimate_s", Float),  # from the upload's end until it can be played
    Column("error", Text),  # why it ended without a job
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "owner", "created_at"),
    Index(None, "state", "expires_at"),
)
