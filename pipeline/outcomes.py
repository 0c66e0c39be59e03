"""What a job's row says of how its master's ingest ended."""

from __future__ import annotations

from pathlib import Path

from catalog import tracks
from catalog.engine import Catalog
from catalog.records import JobRecord, JobState, RevisionDraft, TrackRecord
from pipeline.layout import DASH_FILE, HLS_FILE
from pipeline.progress import Outcome, Status
from storage.base import ObjectStore
from storage.naming import track_object


async def outcome_of_job(
    catalog: Catalog, store: ObjectStore, record: JobRecord, source: Path
) -> Outcome | None:
    """The outcome of a job, whoever did it; None where it is not over."""
    match record.state:
        case JobState.DONE if record.track_id and record.revision:
            async with catalog.connect() as tx:
                track = await tracks.get(tx, record.track_id)
                made = await tracks.revision(tx, record.track_id, record.revision)
            status = Status(record.outcome or Status.PUBLISHED)
            return outcome_of(store, source, status, track, made.draft)
        case JobState.CANCELED:
            return Outcome(source, Status.CANCELED, 0, error=record.error)
        case JobState.FAILED | JobState.PARKED:
            return Outcome(source, Status.FAILED, 0, error=record.error)
    return None


def outcome_of(
    store: ObjectStore, source: Path, status: Status, record: TrackRecord, draft: RevisionDraft
) -> Outcome:
    """What came of a master whose track is in the catalog."""

    def where(file: str) -> str:
        return store.locate(track_object(record.track_id, draft.revision, file))

    return Outcome(
        source=source,
        status=status,
        seconds=0,
        title=record.title,
        track_id=record.track_id,
        revision=draft.revision,
        duration_s=record.duration_s,
        renditions=draft.renditions,
        hls=where(HLS_FILE),
        dash=where(DASH_FILE),
    )
