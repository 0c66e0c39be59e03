"""Masters in buckets, `s3://bucket/key`: what is beside them comes along, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from catalog import tracks
from catalog.records import JobState, TrackRecord
from pipeline.cli import main
from tests.servers.buckets import client, make_bucket
from tests.servers.redis import Redis
from tests.servers.s3_server import S3Server
from tests.support import masters
from tests.support.farm import Farm, celery, farm, wait_until
from tests.support.ground import on_bucket

pytestmark = [pytest.mark.server, pytest.mark.slow]

FOLDER = "label/2026 Spring"
ODD = "Straße 100% +1.wav"  # what URLs and shells have other ideas about


@dataclass(frozen=True)
class Delivery:
    """A bucket with masters, and a HOME whose objects go into another one."""

    server: S3Server
    bucket: str
    workers: Farm

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{FOLDER}"

    def put(self, name: str, data: bytes, folder: str = FOLDER) -> str:
        s3 = client(self.server)
        s3.put_object(Bucket=self.bucket, Key=f"{folder}/{name}", Body=data)
        s3.close()
        return f"s3://{self.bucket}/{folder}/{name}"

    def ingest(self, address: str, code: int = 0) -> list[dict[str, Any]]:
        """What it prints of each master; in this process, which saves a start."""
        done = CliRunner().invoke(main, ["ingest", "--json", address], env=self.workers.environment)
        assert done.exit_code == code, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def track(self, track_id: str) -> TrackRecord:
        async def read() -> TrackRecord:
            async with self.workers.catalog() as catalog, catalog.connect() as tx:
                return await tracks.get(tx, track_id)

        return asyncio.run(read())


@pytest.fixture(scope="module", params=["moto", "rgw"])
def delivery(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Delivery]:
    server: S3Server = request.getfixturevalue("moto_s3" if request.param == "moto" else "rgw")
    folder = tmp_path_factory.mktemp("delivery")
    settings, _ = on_bucket(folder, server)
    with farm(folder, **settings) as workers:
        yield Delivery(server, make_bucket(server, f"label-{uuid4().hex[:8]}"), workers)


@pytest.fixture(scope="module")
def said(delivery: Delivery, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the ingest of a folder in a bucket says of each master, by file name."""
    here = tmp_path_factory.mktemp("masters")
    for number, name in enumerate(("First Light.wav", ODD)):
        path = masters.wav(here / name, masters.music(1.5, seed=number + 1))
        delivery.put(name, path.read_bytes())
    delivery.put("First Light.wav.yaml", b"title: Erstes Licht\nid: L-1\n")
    delivery.put("First Light.lrc", b"[00:00.50]la la\n")
    delivery.put("cover.jpg", masters.picture(400, 400))
    delivery.put("First Light.mp3", b"no master")
    delivery.put("notes.txt", b"no master either")
    delivery.put("/Odd.wav", b"it has no path: left out, not asked for by another key")
    return {one["source"].rpartition("/")[2]: one for one in delivery.ingest(delivery.address)}


def test_a_folder_of_a_bucket_is_ingested_with_what_lies_beside_its_masters(
    delivery: Delivery, said: dict[str, Any]
) -> None:
    assert set(said) == {"First Light.wav", ODD}
    assert {one["status"] for one in said.values()} == {"published"}
    assert said[ODD]["source"] == f"{delivery.address}/{ODD}"
    first = delivery.track(said["First Light.wav"]["track_id"])
    assert (first.title, first.operator_id) == ("Erstes Licht", "L-1")
    assert first.lyrics
    assert "la la" in first.lyrics
    assert delivery.track(said[ODD]["track_id"]).title == "Straße 100% +1"
    s3 = client(delivery.server)
    stored = s3.list_objects_v2(Bucket=delivery.workers.settings["STORAGE__BUCKET"])["Contents"]
    s3.close()
    assert any(one["Key"].startswith("covers/") for one in stored)


def test_an_address_that_no_path_stands_for_is_refused(tmp_path: Path) -> None:
    home = {"HEADWATER_HOME": str(tmp_path)}
    for address in ("s3://label/a//c.wav", "s3://label/./c.wav", "s3:///c.wav"):
        done = CliRunner().invoke(main, ["ingest", "s3://label/b.wav", address], env=home)
        assert done.exit_code == 2
        assert f"{address}: a key with an empty part" in done.stderr


@pytest.mark.usefixtures("said")
def test_again_it_changes_nothing_and_leaves_nothing(delivery: Delivery) -> None:
    states = [one["status"] for one in delivery.ingest(delivery.address)]
    assert states == ["unchanged", "unchanged"]
    assert not list((delivery.workers.home / "tmp").glob("ingest-*"))
    delivery.workers.run("verify")


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("gone.wav", None, "there is no such object"),
        ("page.wav", b"<html>not found</html>", "it is a text file"),
    ],
)
def test_what_is_no_master_fails_by_the_name_that_it_was_given(
    delivery: Delivery, name: str, data: bytes | None, what: str
) -> None:
    address = f"{delivery.address}/{name}" if data is None else delivery.put(name, data, "bad")
    (said,) = delivery.ingest(address, code=1)
    error = said["error"]
    assert error.startswith(f"{address}: {what}"), error
    assert str(delivery.workers.home) not in error


def test_a_master_that_is_too_large_is_not_fetched_and_needs_its_room_before(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        "pipeline.attempts.lacking_space", lambda *needs: asked.append(needs[-1].temp)
    )
    monkeypatch.setitem(delivery.workers.settings, "INGEST__MAX_FETCHED_BYTES", "1999")
    address = delivery.put("large.wav", bytes(2000), "bad")
    (said,) = delivery.ingest(address, code=1)
    reason = "it has 2000 bytes, 1999 are fetched at most (ingest.max_fetched_bytes)"
    assert said["error"] == f"{address}: {reason}"
    assert asked == [4 * 2000]


def test_workers_that_a_broker_tells_fetch_masters_too(
    moto_s3: S3Server, redis: Redis, tmp_path: Path
) -> None:
    redis.clear()
    settings, _ = on_bucket(tmp_path, moto_s3)
    bucket = make_bucket(moto_s3, f"label-{uuid4().hex[:8]}")
    with farm(tmp_path, **settings, **celery(redis.url())) as workers:
        delivery = Delivery(moto_s3, bucket, workers)
        path = masters.wav(tmp_path / "a.wav", masters.music(1.5, seed=9))
        delivery.put("a.wav", path.read_bytes())
        (job,) = workers.run("ingest", "--detach", delivery.address).split()
        workers.worker()
        wait_until(workers.all_over)
        record = workers.job(job)
        assert (record.state, record.source.name) == (JobState.DONE, f"{delivery.address}/a.wav")
        workers.run("verify")
