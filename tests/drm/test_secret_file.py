from __future__ import annotations

import json
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from drm import secret_file
from drm.errors import KekUnavailable, SecretUnavailable
from drm.kek import LocalKek
from drm.token_keys import TokenKeys, TokenKeysUnavailable


def _read(path: Path) -> dict[str, object]:
    return secret_file.read(path, SecretUnavailable)


def _open_kek(path: Path) -> str:
    return repr(LocalKek.open(path, create=True))


def test_a_new_file_is_its_owners_alone_and_its_folder_too(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kek.json"
    LocalKek.open(path, create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [path] == list(path.parent.iterdir()), "no draft is left behind"


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    LocalKek.open(path, create=True)
    before = path.read_bytes()
    secret_file.create(path, lambda: {"id": "other"}, SecretUnavailable)
    LocalKek.open(path, create=True)
    assert path.read_bytes() == before


def test_the_loser_of_a_race_reads_the_winners_file(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"

    def make() -> dict[str, object]:  # another process finishes first
        path.write_text('{"format": 1, "id": "winner"}')
        path.chmod(0o600)
        return {"id": "loser"}

    secret_file.create(path, make, SecretUnavailable)
    assert _read(path)["id"] == "winner"
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.slow
def test_processes_that_start_together_share_one_kek(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        found = set(pool.map(_open_kek, [path] * 8))
    assert len(found) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_a_file_that_others_can_touch_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "kek.json"
    LocalKek.open(path, create=True)
    path.chmod(mode)
    with pytest.raises(KekUnavailable, match=f"chmod 600 {path}"):
        LocalKek.open(path, create=False)


def test_an_owner_may_make_it_read_only(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    TokenKeys.open(path, create=True)
    path.chmod(0o400)
    TokenKeys.open(path, create=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KekUnavailable, match=r"kek\.json: no such file") as caught:
        LocalKek.open(tmp_path / "kek.json", create=False)
    assert caught.value.place == tmp_path / "kek.json"


def test_a_folder_that_cannot_hold_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TokenKeysUnavailable, match="cannot be written"):
        TokenKeys.open(tmp_path / "file" / "tokens.json", create=True)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    path.mkdir(mode=0o700)
    with pytest.raises(KekUnavailable, match="cannot be read"):
        LocalKek.open(path, create=False)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"format": 2}', '{"format": "1"}', "\x00\xff"]
)
def test_what_is_not_our_format_is_malformed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kek.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SecretUnavailable, match="not a JSON object with format 1"):
        _read(path)


KEY = "ab" * 32


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"id": "", "current": 1, "versions": {"1": KEY}},
        {"id": "a", "current": 1, "versions": []},
        {"id": "a", "current": 1, "versions": {}},
        {"id": "a", "current": 2, "versions": {"1": KEY}},
        {"id": "a", "current": "1", "versions": {"1": KEY}},
        {"id": "a", "current": True, "versions": {"1": KEY}},
        {"id": "a", "current": 1, "versions": {"1": KEY[2:]}},
        {"id": "a", "current": 1, "versions": {"1": KEY.upper()}},
        {"id": "a", "current": 1, "versions": {"1": None}},
        {"id": "a", "current": 1, "versions": {"one": KEY, "1": KEY}},
    ],
)
def test_a_malformed_kek_is_refused(tmp_path: Path, value: dict[str, object]) -> None:
    path = tmp_path / "kek.json"
    path.write_text(json.dumps({"format": 1, **value}))
    path.chmod(0o600)
    with pytest.raises(KekUnavailable, match="restore it from a backup") as caught:
        LocalKek.open(path, create=False)
    assert KEY not in str(caught.value)


GOOD = {"current": "a", "keys": {"a": KEY}}


@pytest.mark.parametrize(
    "value",
    [
        {"playback": GOOD},
        {"playback": GOOD, "access": {"current": "a", "keys": {}}},
        {"playback": GOOD, "access": {"current": "b", "keys": {"a": KEY}}},
        {"playback": GOOD, "access": {"current": "a", "keys": {"a": "short"}}},
        {"playback": GOOD, "access": {"current": "A.b", "keys": {"A.b": KEY}}},
        {"playback": [], "access": GOOD},
    ],
)
def test_malformed_token_keys_are_refused(tmp_path: Path, value: dict[str, object]) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"format": 1, **value}))
    path.chmod(0o600)
    with pytest.raises(TokenKeysUnavailable) as caught:
        TokenKeys.open(path, create=False)
    assert KEY not in str(caught.value)


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    TokenKeys.open(tmp_path / "tokens.json", create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.json"]


def test_each_use_has_keys_of_its_own(tmp_path: Path) -> None:
    keys = TokenKeys.open(tmp_path / "tokens.json", create=True)
    assert set(keys.playback.keys.values()).isdisjoint(keys.access.keys.values())
