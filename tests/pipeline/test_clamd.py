"""ClamAV's own daemon, and files that it finds something in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.clamd import Clamd, ScannerAway, scan_s
from tests.servers.clamd import EICAR, STREAM_BYTES, clamd
from tests.support import masters


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


@pytest.mark.server
async def test_it_says_what_is_in_a_file(addresses: tuple[str, str], tmp_path: Path) -> None:
    clean = masters.wav(tmp_path / "a.wav", masters.music(2))
    hidden = tmp_path / "b.wav"
    hidden.write_bytes(clean.read_bytes() + bytes(1_500_000) + EICAR)
    for address in addresses:
        assert await Clamd(address).scan(clean) is None
        assert await Clamd(address).scan(hidden) == "Eicar-Test.UNOFFICIAL"
        await Clamd(address).ping()


@pytest.mark.server
async def test_a_file_that_it_does_not_look_at_is_not_clean(
    addresses: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "a.master"
    file.write_bytes(bytes(STREAM_BYTES + 1))
    with pytest.raises(ScannerAway, match="StreamMaxLength"):
        await Clamd(addresses[0]).scan(file)


def test_a_large_master_has_the_time_that_it_takes() -> None:
    """Every look begins from the first byte: with too little time it would never be taken."""
    assert scan_s(1000) == pytest.approx(120, abs=1)
    assert scan_s(2 << 30) > 1000


async def test_a_scanner_that_is_away_is_no_clean_file(tmp_path: Path) -> None:
    file = tmp_path / "a.master"
    file.write_bytes(b"x")
    for address in (f"unix:{tmp_path}/none", "tcp:127.0.0.1:1"):
        with pytest.raises(ScannerAway, match="clamd at"):
            await Clamd(address).scan(file)
        with pytest.raises(ScannerAway, match="clamd at"):
            await Clamd(address).ping()
