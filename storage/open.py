"""The store that the settings name: a folder, or a bucket through the client that fits the work."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from configs import paths
from configs.settings import Settings, StorageSettings
from storage.base import ObjectStore, StorageError
from storage.bucket import Bucket
from storage.credentials import read_credentials
from storage.local import LocalStore
from storage.s3_place import S3Place
from storage.uploads import Rules

_SSE = {"none": None, "s3": "AES256", "kms": "aws:kms"}


class Role(Enum):
    """Who works with the store."""

    PIPELINE = auto()  # writes a lot, has threads, and patience
    ORIGIN = auto()  # reads a lot in one event loop, for listeners who wait


def open_store(settings: Settings, role: Role) -> ObjectStore:
    """Make the store; nothing is asked of a server yet.

    StorageError where the credentials' file or the extra `s3` is missing.
    """
    if settings.storage.kind == "local":
        return LocalStore(paths.storage_path(settings))
    place, rules = _place(settings.storage), _rules(settings.storage, role)
    try:
        # Only now: whoever has a folder needs neither client.
        if role is Role.ORIGIN:
            from storage.s3 import S3Store  # noqa: PLC0415

            return S3Store(place, rules)
        from storage.minio import MinioStore  # noqa: PLC0415

        return MinioStore(place, rules)
    except ModuleNotFoundError as exc:
        raise _not_installed(exc) from exc


def open_bucket(settings: StorageSettings, name: str) -> Bucket:
    """Another bucket of the same server, for threads that read it; see `open_store`."""
    try:
        from storage.minio import MinioBucket  # noqa: PLC0415

        return MinioBucket(replace(_place(settings), bucket=name))
    except ModuleNotFoundError as exc:
        raise _not_installed(exc) from exc


def _not_installed(exc: ModuleNotFoundError) -> StorageError:
    return StorageError(f"{exc.name} is not installed (pip install headwater[s3])", transient=False)


def _place(settings: StorageSettings) -> S3Place:
    file = settings.credentials_file
    return S3Place(
        bucket=settings.bucket or "",
        endpoint=settings.endpoint,
        region=settings.region,
        addressing=settings.addressing,
        credentials=read_credentials(file) if file else None,
        ca_file=settings.ca_file,
        connections=settings.connections,
        timeout_s=settings.timeout_s,
    )


def _rules(settings: StorageSettings, role: Role) -> Rules:
    return Rules(
        bucket=settings.bucket or "",
        prefix=f"{settings.prefix}/" if settings.prefix else "",
        sse=_SSE[settings.sse],
        sse_kms_key=settings.sse_kms_key,
        part_bytes=settings.part_bytes,
        parallel_parts=settings.parallel_parts,
        retry_s=settings.origin_retry_s if role is Role.ORIGIN else settings.retry_s,
    )
