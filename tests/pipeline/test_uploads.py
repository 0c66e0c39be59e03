"""Which masters the gate takes, and what it keeps of what was said of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from catalog.engine import Catalog
from configs.planning import load_planning
from configs.settings import IngestSettings, UploadSettings
from origin.uploads.desk import Desk
from origin.uploads.ports import UploadDeps
from origin.uploads.receive import Body
from origin.uploads.threads import Threads
from origin.uploads.tus import Said
from pipeline.clamd import ScannerAway
from pipeline.cli.uploads import GateInspector
from pipeline.ffmpeg.binaries import Tools
from pipeline.identity import Identity, IdentityKind, track_id
from pipeline.sidecar import read_sidecar
from pipeline.submission import Submitter
from pipeline.tags import read_tags
from pipeline.uploads import Gate, NotTaken, remove_upload
from tests.servers.clamd import EICAR, clamd
from tests.support import masters

_P = ParamSpec("_P")
_T = TypeVar("_T")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = masters.flac(tmp_path / "a.flac", masters.music(2), TITLE="As Tagged", GENRE="Ambient")
    return made.rename(tmp_path / "Of the File.master")


def gate(tools: Tools, **settings: object) -> Gate:
    measured = load_planning(None).measured
    chosen = UploadSettings.model_validate(settings)
    return Gate(chosen, IngestSettings(), measured, tools, "default")


@dataclass
class Watching(Threads):
    """The uploads' threads, which nobody may wait for who holds the catalog."""

    catalog: Path

    def __post_init__(self) -> None:
        Threads.__init__(self)

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        with closing(sqlite3.connect(self.catalog, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")  # "database is locked", if a transaction is open
        return await super().run(call, *args, **kwargs)


async def test_nobody_who_writes_to_the_catalog_waits_for_the_uploads_disk(
    tools: Tools, file: Path, tmp_path: Path
) -> None:
    """From the announcement to the job; and the estimate is of what is before it, too."""
    path = tmp_path / "catalog.db"
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{path}")
    inspector, submitter = GateInspector(gate(tools)), Submitter(catalog, lambda: datetime.now(UTC))
    deps = UploadDeps(UploadSettings(), tmp_path / "uploads", 0, inspector, submitter)
    desk = Desk(deps, catalog, "default")
    desk._threads = Watching(path)
    try:
        for number, jobs_of_time in ((1, 1), (2, 2)):
            chunks = [file.read_bytes(), b""]
            said = Said("a.flac", {"isrc": f"QZABC260000{number}"})
            record = await desk.announce("label", said, len(chunks[0]))
            sent = await desk.append("label", record.upload_id, 0, body(chunks))
            assert sent.record.job_id
            assert sent.record.estimate_s
            assert 3 * jobs_of_time < sent.record.estimate_s < 4 * jobs_of_time
    finally:
        desk.end()
        await catalog.close()


def body(chunks: list[bytes]) -> Body:
    async def read() -> bytes:
        return chunks.pop(0)

    return read


async def test_what_is_said_wins_and_names_the_track(tools: Tools, file: Path) -> None:
    said = {"title": "'; rm -rf / #\n- a: b", "artists": "Ada; Bo;", "isrc": "qz-abc-26-00009"}
    look = await gate(tools).look(file, said)
    assert look.track_id == track_id("default", Identity(IdentityKind.ISRC, "QZABC2600009"))
    assert look.duration_s == pytest.approx(2, abs=0.001)
    assert 3 < look.work_s < 4
    tags = read_tags(file, {}, read_sidecar(file).fields)
    assert (tags.title, tags.artists) == ("'; rm -rf / # - a: b", ("Ada", "Bo"))
    assert (tags.genre, tags.isrc) == ("Ambient", "QZABC2600009")
    again = await gate(tools).look(file, {"title": "Another"})  # what was said before is gone
    assert again.track_id != look.track_id


@pytest.mark.parametrize(
    ("settings", "said", "reason"),
    [
        ({"required": ["title", "isrc"]}, {}, "no-isrc"),
        ({"required": ["artist"]}, {}, "no-artist"),
        ({"genres": ["Techno"]}, {}, "bad-genre"),
        ({"title_characters": 5}, {}, "bad-title"),
        ({"min_duration_s": 3}, {}, "bad-duration"),
        ({"max_duration_s": 1.5}, {}, "bad-duration"),
        ({}, {"upc": "1234567890123"}, "bad-upc"),
    ],
)
async def test_limits_hold_for_what_is_tagged_too(
    tools: Tools, file: Path, settings: dict[str, object], said: dict[str, str], reason: str
) -> None:
    with pytest.raises(NotTaken) as refused:
        await gate(tools, **settings).look(file, said)
    assert refused.value.reason == reason


@pytest.mark.server
async def test_the_scanner_is_asked_first(tools: Tools, file: Path, tmp_path: Path) -> None:
    file.write_bytes(EICAR + file.read_bytes())
    with (
        clamd(tmp_path) as (address, _),
        pytest.raises(NotTaken, match="Eicar-Test") as refused,
    ):
        await gate(tools, clamd=address).look(file, {})
    assert refused.value.reason == "infected"
    with pytest.raises(ScannerAway):
        await gate(tools, clamd=address).look(file, {})


def test_only_an_uploads_own_folder_goes(tmp_path: Path) -> None:
    upload_id = "0" * 32
    path = tmp_path / upload_id / "master" / "a.master"
    path.parent.mkdir(parents=True)
    path.touch()
    remove_upload(tmp_path / "elsewhere" / "a.master", upload_id)
    assert path.exists()
    remove_upload(path, upload_id)
    assert list(tmp_path.iterdir()) == []
