"""Publications to put into a catalog."""

from __future__ import annotations

from dataclasses import replace

from catalog.records import (
    Publication,
    ReleaseDraft,
    RenditionRecord,
    RevisionDraft,
    TrackDraft,
    WrappedKeyRecord,
)


def make_publication(track: str = "a", *, revision: str = "1", **changes: object) -> Publication:
    """Make a publication; `changes` go to the track's draft, `release` and `job_id` to it."""
    track_id, revision_id = "t" + track * 20, revision * 16
    release = changes.pop("release", ReleaseDraft("r" + "a" * 20, "First Light", "The Headwaters"))
    assert release is None or isinstance(release, ReleaseDraft)
    job_id = changes.pop("job_id", None)
    draft = TrackDraft(track_id, "default", f"Song {track}", ("The Headwaters",), 2.0)
    renditions = tuple(
        RenditionRecord(
            name=name,
            tier=tier,
            codec=name.split("-")[0],
            codecs="mp4a.40.2",
            average_bps=128_000,
            sample_rate_hz=44_100,
            channels=2,
            bit_depth=None,
            object_key=f"tracks/{track_id}/{revision_id}/{name}.mp4",
            size=5_000_000_000,
            sha256=revision * 64,
        )
        for name, tier in (("opus-96k", "standard"), ("aac-128k", "standard"), ("flac", "lossless"))
    )
    return Publication(
        track=replace(draft, **changes),  # type: ignore[arg-type]  # tests name real fields
        release=release,
        revision=RevisionDraft(
            revision=revision_id,
            master_sha256=revision * 64,
            recipe_sha256="c" * 64,
            master_format="flac",
            master_codec="flac",
            master_sample_rate_hz=44_100,
            master_channels=2,
            master_bit_depth=24,
            master_samples=88_200 * int(revision, 16),
            scheme="cbcs",
            encoder="ffmpeg 8.1.2",
            integrated_lufs=-14.2,
            loudness_range_lu=5.0,
            true_peak_dbtp=-1.1,
            renditions=renditions,
            notes=("32-bit float master: lossless rendition is 24 bits",),
        ),
        keys=tuple(
            WrappedKeyRecord(
                kid=(track + revision + tier)[:8].ljust(16, "-").encode(),
                tenant="default",
                track_id=track_id,
                revision=revision_id,
                tier=tier,
                scheme="cbcs",
                kek_id="local",
                kek_version=1,
                nonce=b"n" * 12,
                wrapped=bytes(range(32)),
                iv=b"i" * 16,
            )
            for tier in ("standard", "lossless")
        ),
        job_id=None if job_id is None else str(job_id),
    )
