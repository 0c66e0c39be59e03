"""Settings choose the store, and the client that fits the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from configs.settings import Settings
from storage.base import StorageError
from storage.local import LocalStore
from storage.minio import MinioStore
from storage.open import Role, open_store
from storage.s3 import S3Store
from storage.s3_place import S3Place


def settings(**storage: Any) -> Settings:
    return Settings.model_validate({"storage": storage})


def test_the_default_is_a_folder(tmp_path: Path) -> None:
    for role in Role:
        store = open_store(Settings(home=tmp_path), role)
        assert isinstance(store, LocalStore)
        assert store.locate("a") == str(tmp_path / "storage" / "a")


@pytest.mark.parametrize(("prefix", "shown"), [("", "a"), ("shop/media", "shop/media/a")])
async def test_each_work_has_its_client(tmp_path: Path, prefix: str, shown: str) -> None:
    secrets = tmp_path / "credentials"
    secrets.touch(0o600)
    secrets.write_text("[default]\naws_access_key_id = A\naws_secret_access_key = B\n")
    chosen = settings(kind="s3", bucket="media", prefix=prefix, credentials_file=secrets)
    for role, kind in ((Role.PIPELINE, MinioStore), (Role.ORIGIN, S3Store)):
        store = open_store(chosen, role)
        assert isinstance(store, kind)
        assert store.locate("a") == f"s3://media/{shown}"
        await store.close()


def test_credentials_that_cannot_be_read_are_an_error_at_once(tmp_path: Path) -> None:
    chosen = settings(kind="s3", bucket="media", credentials_file=tmp_path / "none")
    with pytest.raises(StorageError, match="none: cannot be read"):
        open_store(chosen, Role.PIPELINE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "s3"},
        {"kind": "s3", "bucket": "Media"},
        {"kind": "s3", "bucket": "media", "endpoint": "s3.example.com"},
        {"kind": "s3", "bucket": "media", "endpoint": "https://key:secret@s3.example.com"},
        {"kind": "s3", "bucket": "media", "endpoint": "https://s3.example.com/path"},
        {"kind": "s3", "bucket": "media", "prefix": "/a"},
        {"kind": "s3", "bucket": "media", "prefix": "a/"},
        {"kind": "s3", "bucket": "media", "prefix": "a//b"},
        {"kind": "s3", "bucket": "media", "prefix": ".a"},
        {"kind": "s3", "bucket": "media", "sse_kms_key": "key"},
        {"kind": "s3", "bucket": "media", "part_bytes": 1 << 20},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_only_amazon_has_the_bucket_in_the_host_unless_told() -> None:
    assert S3Place("b").is_virtual
    assert S3Place("b", endpoint="https://s3.eu-central-1.amazonaws.com").is_virtual
    assert not S3Place("b", endpoint="https://s3.example.com").is_virtual
    assert not S3Place("b", endpoint="https://amazonaws.com.example.com").is_virtual
    assert not S3Place("b", addressing="path").is_virtual
    assert S3Place("b", endpoint="https://s3.example.com", addressing="virtual").is_virtual
