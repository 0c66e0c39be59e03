"""`headwater storage`, as an operator runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.buckets import BUCKET
from tests.servers.s3_server import S3Server
from tests.support.cli_home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def bucket(moto_bucket: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """Settings that name the tests' bucket on the fast server."""
    monkeypatch.setenv("HEADWATER_STORAGE__KIND", "s3")
    monkeypatch.setenv("HEADWATER_STORAGE__ENDPOINT", moto_bucket.endpoint)
    monkeypatch.setenv("HEADWATER_STORAGE__BUCKET", BUCKET)
    monkeypatch.setenv("HEADWATER_STORAGE__PREFIX", "media")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto_bucket.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto_bucket.secret_key)
    return moto_bucket


def test_a_folder_keeps_its_promises(home: Home) -> None:
    said = home.run("storage", "check").stdout
    assert "never overwrites" in said
    assert said.splitlines()[-1].endswith(": deletes")
    assert not [path for path in (home.path / "storage").rglob("*") if path.is_file()]


def test_a_folder_has_no_rules(home: Home) -> None:
    for arguments in (("rules",), ("url", "covers/a.jpg")):
        assert "a folder has no rules" in home.run("storage", *arguments, code=1).stderr


@pytest.mark.server
def test_a_bucket_keeps_its_promises_with_both_clients(home: Home, bucket: S3Server) -> None:
    said = home.run("storage", "check").stdout.splitlines()
    for role in ("pipeline", "origin"):
        assert f"s3://{BUCKET}/media/ ({role}): never overwrites" in said
        assert f"s3://{BUCKET}/media/ ({role}): deletes" in said


@pytest.mark.server
def test_a_bucket_that_is_not_there_is_said_in_one_line(
    home: Home, bucket: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_STORAGE__BUCKET", "nobodys-bucket")
    said = home.run("storage", "check", code=1).stderr.splitlines()
    assert len(said) == 1
    assert "there is no such bucket (make it, or set storage.bucket)" in said[0]


@pytest.mark.server
def test_a_url_is_printed(home: Home, bucket: S3Server) -> None:
    said = home.run("storage", "url", "covers/a.jpg", "--ttl", "60").stdout
    assert said.startswith(f"{bucket.endpoint}/{BUCKET}/media/covers/a.jpg?")
    assert "X-Amz-Expires=60" in said
    assert bucket.secret_key not in said
    assert "is not an object key" in home.run("storage", "url", "../a", code=1).stderr


@pytest.mark.server
def test_rules_are_printed_and_set(home: Home, bucket: S3Server) -> None:
    said = json.loads(home.run("storage", "rules", "--cors-origin", "https://a.example").stdout)
    assert said["cors"]["CORSRules"][0]["AllowedOrigins"] == ["https://a.example"]
    ids = [rule["ID"] for rule in said["lifecycle"]["Rules"]]
    assert ids == ["headwater-aborted-uploads", "headwater-claims"]
    for _ in range(2):
        assert json.loads(home.run("storage", "rules", "--apply").stdout)["lifecycle"]
