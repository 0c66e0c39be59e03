from __future__ import annotations

import asyncio
import time
from pathlib import Path

from catalog import keys, tracks
from drm.audit import AuditEntry, AuditEvent, AuditLog
from pipeline.cli.compose import open_catalog
from tests.drm.conftest import AUDIT_KEY
from tests.support.cli_home import TRACK_ID, Home

DAY_NS = 86_400 * 10**9
NOW_NS = time.time_ns()


def popularity(home: Home) -> int:
    async def run() -> int:
        async with open_catalog(home.settings) as catalog, catalog.connect() as tx:
            return (await tracks.get(tx, TRACK_ID)).popularity

    return asyncio.run(run())


def test_plays_are_read_and_what_is_wrong_is_told(album: Home, tmp_path: Path) -> None:
    file = tmp_path / "plays.jsonl"
    file.write_text(f'{{"track": "{TRACK_ID}", "plays": 17}}\n\n')
    assert album.run("popularity", "import", str(file)).stdout == "1 tracks\n"
    assert popularity(album) == 17
    file.write_text(f'{{"track": "{TRACK_ID}", "plays": 3}}\n{{"track": "QZ", "plays": 1}}\n')
    assert "not in the catalog: QZ" in album.run("popularity", "import", str(file), code=1).stderr
    assert popularity(album) == 3
    said = album.run("popularity", "count").stdout
    assert said == "0 tracks were played, 1 are not any more\n"
    assert popularity(album) == 0
    for wrong in ("[]", "x", '{"track": 1, "plays": 1}', '{"track": "a", "plays": -1}'):
        file.write_text(wrong)
        assert "line 1" in album.run("popularity", "import", str(file), code=1).stderr


def test_who_was_given_a_key_has_played(album: Home) -> None:
    """Three tokens today, one of them twice; one long ago; and one of a key that is not ours."""

    async def play() -> None:
        async with open_catalog(album.settings) as catalog:
            async with catalog.connect() as tx:
                (first, *_) = await keys.page(tx, b"", 9, track_id=TRACK_ID)
            given = {"kids": [first.kid.hex(), "00" * 16]}
            ages = {"a": 0, "b": 0, "c": 0, "old": 7, "ancient": 99}
            for who, days in ages.items():
                log = AuditLog(catalog, AUDIT_KEY, clock=lambda days=days: NOW_NS - days * DAY_NS)  # type: ignore[misc]
                entry = AuditEntry(AuditEvent.LICENSE, f"token:{who}", "entitled", given)
                await log.record(entry, entry)
                await log.record(AuditEntry(AuditEvent.DENIED, "token:x", "not-entitled", given))
                await log.close()

    asyncio.run(play())
    said = album.run("popularity", "count").stdout
    assert said == "1 tracks were played, 0 are not any more\n"
    assert popularity(album) == 4  # 3 and a half
