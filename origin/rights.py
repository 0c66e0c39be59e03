"""What the catalog says of a track, as the policy asks for it."""

from __future__ import annotations

from catalog.records import RightsRecord, StandingRecord, TrackRecord, TrackStatus
from drm.policy import Rights, Window


def rights_of(track: TrackRecord | StandingRecord, record: RightsRecord | None) -> Rights:
    """The rights that count for a track: `record` is its own, or its release's, or None."""
    return Rights(
        track_id=track.track_id,
        release_id=track.release_id,
        published=track.status is TrackStatus.PUBLISHED and track.current_revision is not None,
        available_from=track.available_from,
        windows=()
        if record is None
        else tuple(
            Window(one.territory, one.starts_at, one.ends_at, licensed=one.licensed)
            for one in record.windows
        ),
        offline=record is None or record.offline,
    )
