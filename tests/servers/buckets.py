"""Buckets on a test's server, and stores of both kinds in them."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

from storage.bucket_store import BucketStore
from storage.minio import MinioStore
from storage.s3 import S3Store
from storage.s3_place import Credentials, S3Place
from storage.uploads import Rules
from tests.servers.s3_server import S3Server

BUCKET = "headwater-test"
PART_BYTES = 5 << 20  # the least that S3 allows
KINDS: dict[str, type[MinioStore | S3Store]] = {"minio": MinioStore, "aioboto3": S3Store}

_prefixes = count()


def client(server: S3Server) -> Any:
    """A client of another make, to look behind the stores with."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(s3={"addressing_style": "path"}, signature_version="s3v4"),
    )


def make_bucket(server: S3Server, name: str = BUCKET) -> str:
    """Make a bucket, unless it is there."""
    s3 = client(server)
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=name)
    # A gateway makes its pools now, which takes seconds, and not within somebody's timeout.
    upload = s3.create_multipart_upload(Bucket=name, Key="warm")["UploadId"]
    s3.abort_multipart_upload(Bucket=name, Key="warm", UploadId=upload)
    s3.put_object(Bucket=name, Key="warm", Body=b"x")
    s3.delete_object(Bucket=name, Key="warm")
    s3.close()
    return name


def place(server: S3Server, **changes: Any) -> S3Place:
    """Where the tests' bucket is."""
    given = {
        "bucket": BUCKET,
        "endpoint": server.endpoint,
        "region": server.region,
        "credentials": Credentials(server.access_key, server.secret_key),
        "timeout_s": 30.0,
    }
    return S3Place(**{**given, **changes})


def rules(**changes: Any) -> Rules:
    """Rules with a prefix that no other test has."""
    given = {"bucket": BUCKET, "prefix": f"{uuid4().hex[:8]}-{next(_prefixes)}/"}
    return Rules(**{"part_bytes": PART_BYTES, "retry_s": 10.0, **given, **changes})


def open_store(kind: str, server: S3Server, **changes: Any) -> BucketStore:
    """A store of its own in the tests' bucket, through one of the two clients."""
    return KINDS[kind](place(server), rules(**changes))
