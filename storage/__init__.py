"""Where bytes rest: immutable objects under safe keys, behind one protocol.

What it does
    Keeps what the packager made: track files, manifests, package indexes, cover pictures. An
    object is written whole or not at all, and never changed: writing the same bytes again is a
    no-op, writing others is refused (ObjectExists). Reading takes any range of bytes.

What it never does
    Overwrite. Know what a track or a tier is: keys come ready from `storage.naming`. Decide who
    may read: that is `drm` and `origin`. Keep anything about an object beside its bytes: that is
    `catalog`.

Where to start
    `base.ObjectStore` is the protocol, and the errors a caller must expect are beside it.
    `naming` is the layout. `local.LocalStore` is the embedded default, a folder. `open` chooses by
    the settings. `bucket_store.BucketStore` has the rules of a bucket, over single requests
    (`bucket.Bucket`) of two clients: `minio` in threads for pipelines, `s3` (aioboto3) for origins.
    `testing` has stores for tests. The contract that every store keeps is
    `tests/contract/test_object_store.py`: a new store is added there first.

Protocols are async for everybody; a store whose client blocks runs it in threads.
"""

from __future__ import annotations

from storage.base import (
    ByteRange,
    InvalidKey,
    ObjectExists,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
    StorageError,
)
from storage.local import LocalStore

__all__ = [
    "ByteRange",
    "InvalidKey",
    "LocalStore",
    "ObjectExists",
    "ObjectInfo",
    "ObjectNotFound",
    "ObjectStore",
    "StorageError",
]
