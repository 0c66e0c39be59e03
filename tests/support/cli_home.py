"""A HOME with a catalog in it, and the command line to look at it with."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from catalog import publish
from catalog.records import (
    Publication,
    ReleaseDraft,
    RenditionRecord,
    RevisionDraft,
    TrackDraft,
)
from configs.settings import Settings
from drm.model import KeyScope
from packager.model import Scheme
from pipeline.cli import main
from pipeline.cli.compose import open_deps

TRACK_ID = "t" + "a" * 20
REVISION = "0123456789abcdef"
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def rendition(name: str, tier: str) -> RenditionRecord:
    return RenditionRecord(
        name=name,
        tier=tier,
        codec="aac",
        codecs="mp4a.40.2",
        average_bps=128_000,
        sample_rate_hz=44_100,
        channels=2,
        bit_depth=None,
        object_key=f"tracks/{TRACK_ID}/{REVISION}/{name}.mp4",
        size=1000,
        sha256="0" * 64,
    )


def publication(**changes: Any) -> Publication:
    """A small album's first track; `changes` go to the track's draft."""
    track = TrackDraft(
        track_id=TRACK_ID,
        tenant="default",
        title="First Light",
        artists=("Ada", "Grace"),
        duration_s=64.6,
        isrc="GBAYE0601498",
        number=1,
        genre="Ambient",
    )
    revision = RevisionDraft(
        revision=REVISION,
        master_sha256="1" * 64,
        recipe_sha256="2" * 64,
        master_format="flac",
        master_codec="flac",
        master_sample_rate_hz=44_100,
        master_channels=2,
        master_bit_depth=16,
        master_samples=2_848_860,
        scheme="cbcs",
        encoder="ffmpeg 8.1.2",
        integrated_lufs=-14.0,
        loudness_range_lu=5.0,
        true_peak_dbtp=-1.0,
        renditions=(rendition("aac-128k", "standard"), rendition("flac", "lossless")),
    )
    release = ReleaseDraft(release_id="r" + "a" * 20, title="Headwaters", artist="Ada")
    return Publication(replace(track, **changes), release, revision, keys=())


class Home:
    """A HOME of its own, and `headwater` run in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.path)

    def run(self, *args: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["--home", str(self.path), *args])
        assert result.exit_code == code, result.output
        return result

    def json(self, *args: str) -> Any:
        return json.loads(self.run(*args, "--json").stdout)

    def publish(self, one: Publication, *, tiers: tuple[str, ...] = (), **revision: Any) -> None:
        """Put a track in the catalog, with a wrapped key for each of these tiers.

        What else is given changes the revision's draft.
        """
        draft = replace(one.revision, **revision)
        asyncio.run(self._publish(replace(one, revision=draft), tiers))

    async def _publish(self, one: Publication, tiers: tuple[str, ...]) -> None:
        async with open_deps(self.settings) as deps:
            place = ("default", one.track.track_id, one.revision.revision)
            keys = tuple(
                [
                    await deps.keyring.wrap(
                        deps.keyring.new_key(Scheme.CBCS), KeyScope(*place, tier, Scheme.CBCS)
                    )
                    for tier in tiers
                ]
            )
            async with deps.catalog.begin() as tx:
                await publish.publish(tx, replace(one, keys=keys), NOW)
