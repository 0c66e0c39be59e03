from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from configs.telemetry import board
from configs.telemetry.board import Board


@contextmanager
def process(work: Callable[[], object]) -> Iterator[int]:
    """A child that does the work and then waits to be killed; the block begins after the work."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        work()
        os.write(write, b".")
        signal.pause()
    os.read(read, 1)
    yield child
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read)
    os.close(write)


def test_a_page_is_taken_by_one_process_until_it_ends() -> None:
    shared = Board(1)
    with process(lambda: shared.take().write(b"first")), process(lambda: shared.take().write(b"2")):
        with pytest.raises(RuntimeError, match="taken"):
            shared.take()
        assert [sheet.snapshot for sheet in shared.read()] == [b"first", b"2"]
    page = shared.take()
    assert page.number == 0
    assert page.before() == b"first"
    assert [sheet.snapshot for sheet in shared.read()] == [b"first", b"2"]


def test_the_older_half_holds_while_the_newer_is_written() -> None:
    page = Board(1).take()
    for number in range(5):
        page.write(f"snapshot {number}".encode())
        assert page.before() == f"snapshot {number}".encode()
    # As if killed while the other half was being written: the byte that names it stands.
    memory = page.board.memory
    half = board._NEWER + (1 - memory[0]) * board._HALF
    memory[half : half + 100] = bytes(100)
    assert page.before() == b"snapshot 4"


def test_a_torn_half_is_no_snapshot() -> None:
    page = Board(1).take()
    page.write(b"something")
    half = board._NEWER + page.board.memory[0] * board._HALF
    page.board.memory[half + board._HEAD.size] ^= 1
    assert page.before() == b""


def test_there_is_no_room_for_more_than_there_is_room_for() -> None:
    with pytest.raises(ValueError, match="room"):
        Board(1).take().write(bytes(board._HALF))


def test_a_page_is_fresh_while_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Board(1).take()
    page.write(b"x")
    (sheet,) = page.board.read()
    assert sheet.is_fresh
    monkeypatch.setattr(board, "FRESH_S", 0.0)
    assert not sheet.is_fresh
