"""The local store against crashes, full disks, wrong permissions and odd trees."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest

from storage.base import ByteRange, ObjectNotFound, StorageError
from storage.local import LocalStore

# Writes objects whose name is the hash of their content, for ever: whatever was there when it
# was killed can be checked without having been told.
WRITER = """
import asyncio, hashlib, itertools, os, sys
from pathlib import Path
from storage.local import LocalStore

async def write():
    store = LocalStore(Path(sys.argv[1]))
    source = Path(sys.argv[1]).parent / "source"
    for n in itertools.count():
        data = os.urandom(16) * (1 + n % 7 * 20_000)
        name = hashlib.sha256(data).hexdigest()
        if n % 2:
            await store.put(f"objects/{name[:2]}/{name}", data)
        else:
            source.write_bytes(data)
            await store.put_file(f"objects/{name[:2]}/{name}", source)
        print(name, flush=True)

asyncio.run(write())
"""


def temps(root: Path) -> list[Path]:
    return list((root / ".tmp").glob("*"))


def kill_a_writer(root: Path, after_s: float) -> list[str]:
    """Let it write, kill it so long after its first object, return what it had reported."""
    argv = [sys.executable, "-c", WRITER, str(root)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        reported = [writer.stdout.readline().strip()]
        time.sleep(after_s)
        writer.kill()
        return reported + [line.strip() for line in writer.stdout if len(line) == 65]


@pytest.mark.parametrize("after_s", [0.05, 0.11, 0.17])
async def test_a_killed_writer_leaves_only_whole_objects(tmp_path: Path, after_s: float) -> None:
    root = tmp_path / "store"
    reported = await asyncio.to_thread(kill_a_writer, root, after_s)
    store = LocalStore(root)
    found = [info async for info in store.list("objects/")]
    assert len(found) >= len(reported) > 0
    for info in found:
        data = await store.get(info.key)
        assert info.key.endswith(sha256(data).hexdigest())
    for name in reported:
        assert (await store.head(f"objects/{name[:2]}/{name}")).size > 0


async def test_nothing_temporary_is_left_or_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.put("a/b", b"x")
    assert temps(tmp_path) == []
    (tmp_path / ".tmp" / "left-behind").write_bytes(b"half")
    assert [info.key async for info in store.list("")] == ["a/b"]


async def test_what_a_killed_process_left_is_swept_a_day_later(tmp_path: Path) -> None:
    (tmp_path / ".tmp").mkdir()
    old, young = tmp_path / ".tmp" / "old", tmp_path / ".tmp" / "young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    await LocalStore(tmp_path).put("a", b"x")
    assert temps(tmp_path) == [young]


async def test_deleting_removes_the_folders_it_empties_and_no_others(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store = LocalStore(root)
    await store.put("a/b/c/1", b"x")
    await store.put("a/2", b"x")
    await store.delete("a/b/c/1")
    assert sorted(one.name for one in (root / "a").iterdir()) == ["2"]
    await store.delete("a/2")
    assert [one.name for one in root.iterdir()] == [".tmp"]


async def test_only_the_range_is_read(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 40)  # a terabyte of nothing: reading it all would not return
    assert await store.get("big", ByteRange((1 << 40) - 2, 1 << 40)) == b"\0\0"


def run_out_of_space(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["fsync", "link", "write"])
async def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store = LocalStore(tmp_path / "store")
    if step == "write":
        monkeypatch.setattr(Path, "write_bytes", run_out_of_space)
    else:
        monkeypatch.setattr(os, step, run_out_of_space)
    with pytest.raises(StorageError) as caught:
        await store.put("a/b", b"x")
    assert "no space left on device" in str(caught.value)
    assert str(tmp_path / "store" / "a" / "b") in str(caught.value)
    assert caught.value.transient
    monkeypatch.undo()
    assert temps(tmp_path / "store") == []
    with pytest.raises(ObjectNotFound):
        await store.head("a/b")


# Puts objects into a file system of 1 MiB until it is full, in a mount namespace of its own.
FILLER = """
import asyncio, sys
from pathlib import Path
from storage.base import StorageError
from storage.local import LocalStore

async def fill():
    store = LocalStore(Path(sys.argv[1]))
    try:
        for n in range(100):
            await store.put(f"a/{n}", bytes([n]) * 100_000)
    except StorageError as exc:
        print(exc, exc.transient)
    for n in range(100):
        try:
            assert await store.get(f"a/{n}") == bytes([n]) * 100_000
        except StorageError:
            break
    print(n, [one.name for one in Path(sys.argv[1], ".tmp").iterdir()])

asyncio.run(fill())
"""


def test_a_really_full_disk_gives_the_same_cause(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=1m tmpfs "$1" 2>/dev/null || exit 77; shift; exec "$@"'
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    full = [*unshare, str(tmp_path), sys.executable, "-c", FILLER, str(tmp_path)]
    try:
        done = subprocess.run(full, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("needs util-linux's unshare")
    if done.returncode in {1, 77, 126}:  # unshare, mount or the interpreter is not allowed
        pytest.skip("may not mount here")
    assert done.returncode == 0, done.stderr
    problem, kept = done.stdout.splitlines()
    assert problem.startswith(f"cannot write {tmp_path}/a/")
    assert problem.endswith(": no space left on device True")
    assert kept.endswith(" []")
    assert int(kept.split()[0]) > 5


async def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*/no-such-file: no such file") as caught:
        await LocalStore(tmp_path).put_file("a", tmp_path / "no-such-file")
    assert not caught.value.transient
    assert not isinstance(caught.value, ObjectNotFound)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="permission denied") as caught:
        await LocalStore(tmp_path / "store").put("a", b"x")
    assert not caught.value.transient


async def test_an_object_where_a_folder_must_be_is_told(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.put("a", b"x")
    with pytest.raises(StorageError, match=f"cannot write {tmp_path}/a/b") as caught:
        await store.put("a/b", b"x")
    assert not caught.value.transient


async def test_objects_are_found_where_they_are_said_to_be(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.put("a/b.mp4", b"x")
    assert Path(store.locate("a/b.mp4")).read_bytes() == b"x"


async def test_listing_a_long_folder_takes_several_steps_and_keeps_order(tmp_path: Path) -> None:
    names = [f"{n:04}" for n in range(1100)]
    (tmp_path / "a").mkdir()
    for name in names:
        (tmp_path / "a" / name).touch()
    found = [info.key async for info in LocalStore(tmp_path).list("a/")]
    assert found == [f"a/{name}" for name in names]


async def test_one_folder_may_be_many_stores(tmp_path: Path) -> None:
    await LocalStore(tmp_path).put("a", b"x")
    assert await LocalStore(tmp_path).get("a") == b"x"


async def test_what_a_killed_write_left_is_told_and_removed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "s")
    await store.put("a/b", b"x")
    left = tmp_path / "s" / ".tmp" / "0123abcd"
    left.write_bytes(b"half")
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert [name async for name in store.leftovers(soon - timedelta(hours=1))] == []
    assert [name async for name in store.leftovers(soon)] == ["0123abcd"]
    await store.sweep("0123abcd")
    await store.sweep("0123abcd")
    assert not left.exists()
    assert [name async for name in LocalStore(tmp_path / "new").leftovers(soon)] == []


async def test_a_listing_tells_when_objects_were_written(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "s")
    await store.put("a/b", b"x")
    os.utime(store.locate("a/b"), (1000, 1000))
    assert [one.modified async for one in store.list("a/")] == [datetime.fromtimestamp(1000, UTC)]
