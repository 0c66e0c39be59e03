"""Tracks and revisions as JSON objects: what `headwater track ... --json` prints."""

from __future__ import annotations

from dataclasses import asdict

from catalog.records import RevisionRecord, TrackRecord
from pipeline.cli.output import instant


def track_object(track: TrackRecord) -> dict[str, object]:
    """Describe a track; instants as RFC 3339 text."""
    value = asdict(track)
    for name in ("available_from", "created_at", "updated_at"):
        value[name] = value[name] and instant(value[name])
    return value


def revision_object(revision: RevisionRecord, *, is_current: bool) -> dict[str, object]:
    """Describe a revision, with its renditions and what was measured of its master."""
    return {
        "track_id": revision.track_id,
        "created_at": instant(revision.created_at),
        "current": is_current,
        **asdict(revision.draft),
    }
