"""How a track of an ingest ended, in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.cli.output import duration, printable
from pipeline.errors import shown
from pipeline.progress import Outcome, Status


def describe(outcome: Outcome) -> str:
    """One line about a track that ended."""
    if outcome.status in {Status.FAILED, Status.CANCELED}:
        return printable(outcome.error or f"{shown(outcome.source)}: failed")
    length = duration(outcome.duration_s or 0)
    what = f"{outcome.status}: {outcome.title} ({length}) {outcome.track_id}/{outcome.revision}"
    return printable(f"{what} in {outcome.seconds:.1f} s")


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last line: how many ended how."""
    counts = [
        f"{count} {status}"
        for status in Status
        if (count := sum(one.status is status for one in outcomes))
    ]
    return ", ".join(counts)


def as_json(outcome: Outcome) -> dict[str, object]:
    """The object that `--json` prints."""
    return {
        "track_id": outcome.track_id,
        "revision": outcome.revision,
        "status": outcome.status.value,
        "title": outcome.title,
        "duration_s": outcome.duration_s,
        "renditions": [
            {
                "name": one.name,
                "codec": one.codec,
                "bitrate": one.average_bps,
                "tier": one.tier,
                "sample_rate": one.sample_rate_hz,
                "channels": one.channels,
                "bit_depth": one.bit_depth,
                "bytes": one.size,
            }
            for one in outcome.renditions
        ],
        "hls": outcome.hls,
        "dash": outcome.dash,
        "seconds": outcome.seconds,
        "error": outcome.error,
        "source": shown(outcome.source),
    }
