from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from configs.ladder import load_ladder
from configs.planning import load_planning
from pipeline.planning.capacity import Wanted, plan, put_requests

LADDER = load_ladder(None)
PLANNING = load_planning(None)
WANTED = Wanted(songs=1_000_000, daily=1000, streams=10_000, cache_bytes=1e12)


def test_figures_that_can_be_reckoned_by_hand() -> None:
    got = plan(WANTED, LADDER, PLANNING)
    assumed = PLANNING.assumed
    opus = 96_000 / 8 * assumed.song_s * 1_000_000
    assert got.rendition_bytes["opus-96k"] == pytest.approx(opus, rel=0.02)
    aac = 128_000 / 8 * assumed.song_s * 1_000_000
    assert got.rendition_bytes["aac-128k"] == pytest.approx(2 * aac, rel=0.02)  # and HLS AES-128
    assert got.segment_requests_s == 2500
    mean_bps = sum(
        share
        * {"aac-64k": 64e3, "opus-96k": 96e3, "aac-128k": 128e3, "aac-320k": 320e3}.get(n, 9e5)
        for n, share in assumed.streams_by_rendition.items()
    )
    assert got.cdn_bps == pytest.approx(10_000 * mean_bps, rel=0.02)
    assert got.origin_bps == pytest.approx(got.cdn_bps * (1 - got.hits.bytes))
    encode = 1000 * assumed.song_s * PLANNING.measured.encode_cpu_s_per_s / 86400
    assert got.encode_cores == pytest.approx(encode / assumed.utilization)
    assert got.month_cost == pytest.approx(sum(got.costs.values()))


def test_the_objects_are_those_of_a_real_package() -> None:
    """9 track files and playlists, 2 multivariant, MPD, index, covers.json; a share of covers."""
    assert plan(WANTED, LADDER, PLANNING).objects_per_song == pytest.approx(23 + 5 / 11)
    plain = plan(replace(WANTED, with_aes128=False), LADDER, PLANNING)
    assert plain.objects_per_song == pytest.approx(14 + 5 / 11)


def test_the_requests_of_new_songs_are_those_of_the_store() -> None:
    """Track files of up to 16 MiB are one PUT and one HEAD, FLAC ones are sent in parts."""
    got = plan(WANTED, LADDER, PLANNING)
    flac = got.rendition_bytes["flac"] / 2 / WANTED.songs
    in_parts = put_requests(flac)
    assert in_parts.writes == -(-flac // (8 << 20)) + 3
    small = 23 + 5 - 2  # covers are tried by each song of a release
    assert got.write_requests_day == 1000 * (small + 2 * in_parts.writes)
    assert got.check_requests_day == 1000 * (small + 2 * 3)


@pytest.mark.parametrize(
    ("change", "grows"),
    [
        ({"songs": 2_000_000}, "storage_bytes"),
        ({"daily": 2000}, "encode_cores"),
        ({"streams": 20_000}, "cdn_bps"),
        ({"cache_bytes": 1e11}, "origin_bps"),
        ({"reencode_days": 15.0}, "reencode_cores"),
        ({"archive": True}, "archive_bytes"),
        ({"segment_s": 2.0}, "segment_requests_s"),
    ],
)
def test_what_is_wanted_drives_what_it_takes(change: dict[str, Any], grows: str) -> None:
    before, after = (plan(one, LADDER, PLANNING) for one in (WANTED, replace(WANTED, **change)))
    assert getattr(after, grows) > getattr(before, grows)
    assert after.month_cost >= before.month_cost


def test_nothing_wanted_costs_its_storage_only() -> None:
    got = plan(replace(WANTED, daily=0, streams=0), LADDER, PLANNING)
    assert {name for name, cost in got.costs.items() if cost} == {"storage"}
