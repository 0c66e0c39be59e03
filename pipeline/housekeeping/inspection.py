"""One revision, or one object, against what was published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog import keys
from catalog.engine import Catalog
from catalog.housekeeping import StoredRevision
from catalog.records import WrappedKeyRecord
from drm.errors import WrongKek
from drm.keyring import Keyring, key_name
from packager import index
from packager.errors import PackagerError
from packager.model import ByteSpan, Kid, Package
from pipeline.housekeeping.hashing import sha256_of
from pipeline.housekeeping.ranges import BadManifest, references
from pipeline.layout import DASH_FILE, HLS_AES128_FILE, HLS_FILE
from storage.base import ObjectNotFound, ObjectStore
from storage.naming import PACKAGE_INDEX, cover_object, track_object, track_prefix

_MANIFESTS = (".m3u8", ".mpd")
RESTORE = "restore it from a backup"
_RESTORE_KEY = "restore the KEK or the catalog from a backup"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    where: str  # an object key, or a key's KID
    what: str
    remedy: str


@dataclass(slots=True)
class Findings:
    """What was looked at, and what is wrong with it."""

    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0  # that were hashed
    keys: int = 0

    def add(self, where: str, what: str, remedy: str = RESTORE) -> None:
        """One more."""
        self.problems.append(Problem(where, what, remedy))


@dataclass(frozen=True, slots=True)
class Inspector:
    """Looks, and writes down what it finds. May be used concurrently."""

    store: ObjectStore
    keyring: Keyring
    hashes: bool = True  # False: lengths only

    async def revision(self, catalog: Catalog, stored: StoredRevision, found: Findings) -> None:
        """Every object, every range and every key of it."""
        remedy = f"restore it from a backup, or ingest the master of {stored.track_id} again"
        prefix = track_prefix(*stored.name)
        sizes = {info.key: info.size async for info in self.store.list(prefix)}
        async with catalog.connect() as tx:
            records = await keys.for_revision(tx, *stored.name)
        for record in records:
            await self.key(record, found)
        package = await self._index(stored, found, remedy)
        if package is None:
            return
        await self._files(stored, package, sizes, found, remedy)
        await self._manifests(stored, package, sizes, found, remedy)
        for kid in _missing_keys(package, records):
            names = ", ".join(one.name for one in package.files() if one.kid == kid)
            found.add(str(kid), f"the catalog has no key for {names}", _RESTORE_KEY)

    async def key(self, record: WrappedKeyRecord, found: Findings) -> None:
        """A stored key opens."""
        found.keys += 1
        try:
            await self.keyring.unwrap(record)
        except WrongKek as exc:
            found.add(key_name(record), f"the key does not open: {exc}", _RESTORE_KEY)

    async def object(
        self, key: str, size: int | None, sha256: str, found: Findings, remedy: str = RESTORE
    ) -> None:
        """One object is there, as long as it should be (None: any length), with the right bytes."""
        try:
            there = (await self.store.head(key)).size
            found.objects += 1
            if size is not None and there != size:
                found.add(key, f"it has {there} bytes, {size} were published", remedy)
            elif self.hashes:
                found.bytes += there
                if await sha256_of(self.store, key, there) != sha256:
                    found.add(key, "its bytes are not the ones that were published", remedy)
        except ObjectNotFound:
            found.add(key, "the object is missing", remedy)

    async def _index(self, stored: StoredRevision, found: Findings, remedy: str) -> Package | None:
        where = track_object(*stored.name, PACKAGE_INDEX)
        try:
            package = index.decode(await self.store.get(where))
        except ObjectNotFound:
            found.add(where, "the package index is missing", remedy)
            return None
        except PackagerError as exc:
            found.add(where, str(exc), remedy)
            return None
        found.objects += 1
        if (package.track_id, package.revision) != stored.name:
            found.add(where, "it is the index of another revision", remedy)
            return None
        for problem in _spans(package):
            found.add(where, problem, remedy)
        return package

    async def _files(
        self,
        stored: StoredRevision,
        package: Package,
        sizes: dict[str, int],
        found: Findings,
        remedy: str,
    ) -> None:
        """What the index vouches for; and the catalog says the same."""
        expected = {key: (size, sha256) for key, size, sha256 in _vouched(package)}
        for one in stored.files:
            if expected.get(one.object_key) != (one.size, one.sha256):
                what = f"catalog and package index disagree on {one.name}"
                found.add(one.object_key, what, remedy)
        for key, (size, sha256) in expected.items():
            if key.startswith("tracks/") and key not in sizes:
                found.add(key, "the object is missing", remedy)
            else:
                await self.object(key, size, sha256, found, remedy)

    async def _manifests(
        self,
        stored: StoredRevision,
        package: Package,
        sizes: dict[str, int],
        found: Findings,
        remedy: str,
    ) -> None:
        """Those that should be there, and what each of them names."""
        for key in () if stored.is_down else _manifest_keys(package):
            if key not in sizes:
                found.add(key, "the manifest is missing", remedy)
        for key in sizes:
            if not key.endswith(_MANIFESTS):
                continue
            found.objects += 1
            try:
                named = list(references(key, await self.store.get(key)))
            except (BadManifest, ObjectNotFound) as exc:
                found.add(key, f"it cannot be read: {exc}", remedy)
                continue
            for problem in _outside(named, sizes):
                found.add(key, problem, remedy)


def _vouched(package: Package) -> Iterable[tuple[str, int, str]]:
    """Object key, size and SHA-256 of everything that an index vouches for."""
    name = (package.track_id, package.revision)
    for one in package.files():
        yield track_object(*name, one.file), one.size, one.sha256
    for text in package.lyrics:
        yield track_object(*name, text.file), text.size, text.sha256
    for download in package.downloads:
        yield track_object(*name, download.file), download.size, download.sha256
    for picture in package.pictures:
        yield cover_object(picture.sha256, picture.ending), picture.size, picture.sha256


def _manifest_keys(package: Package) -> Iterable[str]:
    name = (package.track_id, package.revision)
    yield track_object(*name, HLS_FILE)
    yield track_object(*name, DASH_FILE)
    if any(one.aes128 is not None for one in package.renditions):
        yield track_object(*name, HLS_AES128_FILE)
    for one in package.files():
        yield track_object(*name, f"{one.name}.m3u8")


def _missing_keys(package: Package, records: Iterable[WrappedKeyRecord]) -> list[Kid]:
    there = {record.kid for record in records}
    needed = {one.kid for one in package.files() if one.kid is not None}
    return sorted((kid for kid in needed if kid.value not in there), key=lambda kid: kid.value)


def _spans(package: Package) -> Iterable[str]:
    """Ranges of the index that end outside of their file."""
    for one in package.files():
        spans = (one.init, one.sidx, *(segment.span for segment in one.segments))
        if any(span.end > one.size for span in spans):
            yield f"it names bytes of {one.file} that are after its end"
        elif one.segments and one.segments[-1].span.end != one.size:
            yield f"the segments of {one.file} do not end where the file does"


def _outside(named: Iterable[tuple[str, ByteSpan | None]], sizes: dict[str, int]) -> Iterable[str]:
    """What a manifest names that is not there, each file once."""
    told: set[str] = set()
    for target, span in named:
        if target in told or not target.startswith("tracks/"):
            continue
        size = sizes.get(target)
        if size is None:
            told.add(target)
            yield f"it names {target}, which is not there"
        elif span is not None and span.end > size:
            told.add(target)
            yield f"it names bytes {span.start} to {span.end} of {target}, which has {size}"
