from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.workspace import find_remains, note_prefix, open_workspace, remove


def test_folders_are_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "tmp") as workspace:
        with workspace.folder() as one, workspace.folder() as two:
            assert one != two
            assert one.stat().st_mode & 0o777 == 0o700
            (one / "file").touch()
        assert not one.exists()
    assert [file.name for file in (tmp_path / "tmp").iterdir()] == ["lock"]


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="x"),
        open_workspace(tmp_path) as workspace,
        workspace.folder(),
    ):
        raise ValueError("x")
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]


def test_a_living_process_has_no_remains_a_dead_one_has(tmp_path: Path) -> None:
    with open_workspace(tmp_path):
        assert find_remains(tmp_path) == []
    code = (
        "import os; from pathlib import Path\n"
        "from pipeline.workspace import note_prefix, open_workspace\n"
        f"with open_workspace(Path({str(tmp_path)!r})) as w, w.folder() as one:\n"
        "    note_prefix(one, 'tracks/a/b/'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (remains,) = find_remains(tmp_path)
    assert remains.prefixes == ("tracks/a/b/",)
    remove(remains)
    assert find_remains(tmp_path) == []


def test_a_folder_without_its_lock_is_dead_too(tmp_path: Path) -> None:
    (tmp_path / "ingest-x").mkdir()
    assert [one.root.name for one in find_remains(tmp_path)] == ["ingest-x"]


def test_what_was_killed_amid_its_note_is_swept_by_several_at_once(tmp_path: Path) -> None:
    """An empty note, half of one, bytes that are none; and the folder goes while another looks."""
    for number, note in enumerate((b"", b"tracks/a", b"\xff\xfe", b"tracks/a/b/")):
        folder = tmp_path / "ingest-x" / str(number)
        folder.mkdir(parents=True)
        (folder / "prefix").write_bytes(note)
    (tmp_path / "ingest-x" / "9" / "prefix").mkdir(parents=True)
    one, two = find_remains(tmp_path), find_remains(tmp_path)
    assert [found.prefixes for found in (*one, *two)] == [("tracks/a/b/",)] * 2
    for found in (*one, *two):
        remove(found)
    assert find_remains(tmp_path) == []


def test_prefix_is_one_line(tmp_path: Path) -> None:
    note_prefix(tmp_path, "tracks/a/b/")
    assert (tmp_path / "prefix").read_text() == "tracks/a/b/"
