"""The first cases of scripts/fuzz/packager, and every file that once broke something."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.fuzz import cases

CASES = 2000
CORPUS = sorted(path for path in (Path(__file__).parent / "corpus").iterdir() if "+" in path.name)
MEMORY_BYTES = 2 << 30  # of the whole process, pytest and all that it has loaded


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> cases.Seeds:
    return cases.make_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def bounded() -> Iterator[None]:
    """Less memory than a parser would need that believes a count."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_size() + MEMORY_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def _size() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


@pytest.mark.slow
@pytest.mark.usefixtures("bounded")
def test_damage_gives_a_value_or_our_own_error(seeds: cases.Seeds) -> None:
    failures = [failure for failure in cases.run(seeds, CASES, seed=0) if failure]

    assert not failures, [(one.target, one.seed, one.number, one.error) for one in failures]


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_broke_once_stays_whole(seeds: cases.Seeds, path: Path) -> None:
    target, name, _ = path.name.split("+")

    assert cases.attempt(seeds.targets()[target][0], path.read_bytes(), name) == ""


def test_a_case_that_takes_too_long_is_a_failure() -> None:
    def forever(_: bytes, __: str) -> object:
        while True:
            pass

    assert cases.attempt(forever, b"", "", 0.05) == "took more than 0.05 s"


def test_another_error_is_a_failure() -> None:
    def fault(_: bytes, __: str) -> object:
        raise KeyError("x")

    assert cases.attempt(fault, b"", "") == "KeyError: 'x'"
