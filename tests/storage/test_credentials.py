"""Credentials come from a private file, and nothing of them shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.base import StorageError
from storage.credentials import read_credentials

SECRET = "se%cret/canary+1"
GOOD = f"[default]\naws_access_key_id = AKID\naws_secret_access_key = {SECRET}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.touch(0o600)
    return path


def test_they_are_read(file: Path) -> None:
    file.write_text(f"{GOOD}aws_session_token = TOKEN\n")
    found = read_credentials(file)
    assert (found.access_key, found.secret_key, found.session_token) == ("AKID", SECRET, "TOKEN")
    file.write_text(GOOD)
    assert read_credentials(file).session_token is None


def test_they_do_not_show(file: Path) -> None:
    file.write_text(GOOD)
    assert repr(read_credentials(file)) == str(read_credentials(file)) == "Credentials()"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    file.write_text(GOOD)
    file.chmod(mode)
    with pytest.raises(StorageError, match=rf"mode {mode:04o}\) \(chmod 600 ") as caught:
        read_credentials(file)
    assert not caught.value.transient


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[other]\n",
        "[default]\naws_access_key_id = AKID\n",
        f"[default]\naws_secret_access_key = {SECRET}\n",
        f"[default]\naws_access_key_id =\naws_secret_access_key = {SECRET}\n",
        f"{SECRET}\n",
        f"[default]\n{SECRET}\n",
        f"[default]\n[default]\naws_secret_access_key = {SECRET}\n",
    ],
)
def test_what_is_no_such_file_is_refused_without_a_word_of_it(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(StorageError, match="write aws_access_key_id") as caught:
        read_credentials(file)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not caught.value.transient


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe[default]")
    with pytest.raises(StorageError, match="is not a file of credentials"):
        read_credentials(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none: cannot be read: no such file"):
        read_credentials(tmp_path / "none")
