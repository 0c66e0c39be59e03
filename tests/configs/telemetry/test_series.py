from __future__ import annotations

import pytest

from configs.telemetry import series
from configs.telemetry.exposition import exposition
from configs.telemetry.series import Kind, Meters


def _meters() -> Meters:
    meters = Meters()
    meters.counter("songs_total", "Songs.", "tier").up("free", by=2)
    meters.histogram("wait_seconds", "Waits.", bounds=(0.1, 1.0)).observe(0.5)
    meters.gauge("open", "Open.").put(3)
    meters.gauge("worst", "Worst.", kind=Kind.MAX).put(5)
    return meters


def _lines(meters: Meters, living: int, gone: int) -> list[str]:
    snapshot = meters.snapshot()
    families = meters.merged([snapshot] * living, [snapshot] * gone)
    text, content_type = exposition(families.values(), "")
    assert content_type.startswith("text/plain")
    return text.decode().splitlines()


def test_what_several_processes_counted_is_one_sum() -> None:
    lines = _lines(_meters(), living=2, gone=0)
    assert 'songs_total{tier="free"} 4.0' in lines
    assert "open 6.0" in lines
    assert "worst 5.0" in lines


def test_of_a_process_that_is_gone_what_it_counted_stays_and_what_it_had_does_not() -> None:
    lines = _lines(_meters(), living=1, gone=2)
    assert 'songs_total{tier="free"} 6.0' in lines
    assert "open 3.0" in lines
    assert "wait_seconds_count 3.0" in lines


def test_buckets_are_upper_bounds_inclusive_and_cumulative() -> None:
    meters = Meters()
    waits = meters.histogram("wait_seconds", "Waits.", bounds=(0.1, 1.0))
    for value in (0.1, 0.5, 1.0, 7.0):
        waits.observe(value)
    lines = _lines(meters, 1, 0)
    for line in (
        'wait_seconds_bucket{le="0.1"} 1.0',
        'wait_seconds_bucket{le="1.0"} 3.0',
        'wait_seconds_bucket{le="+Inf"} 4.0',
        "wait_seconds_sum 8.6",
    ):
        assert line in lines


def test_a_process_goes_on_where_the_one_before_it_stopped() -> None:
    before, after = _meters(), _meters()
    after.resume(before.snapshot())
    lines = _lines(after, 1, 0)
    assert 'songs_total{tier="free"} 4.0' in lines
    assert "open 3.0" in lines


def test_a_snapshot_of_an_older_program_does_no_harm() -> None:
    older = Meters()
    older.counter("songs_total", "Songs.").up()  # without a label, then
    older.counter("gone_total", "No longer counted.").up()
    meters = _meters()
    meters.resume(older.snapshot())
    assert 'songs_total{tier="free"} 2.0' in _lines(meters, 1, 0)


def test_what_is_counted_elsewhere_is_followed_from_where_it_stood() -> None:
    meters, count = Meters(), 7
    meters.follow(meters.counter("hits_total", "Hits."), lambda: count)
    assert "hits_total 7.0" in _lines(meters, 1, 0)
    count = 9
    assert "hits_total 9.0" in _lines(meters, 1, 0)


def test_series_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_MOST_SERIES", 3)
    counter = Meters().counter("asked_total", "Asked.", "what")
    for number in range(10):
        counter.up(str(number))
    assert counter.cells == {("0",): [1], ("1",): [1], ("2",): [1], ("other",): [7]}


def test_mistakes_of_who_counts_are_told() -> None:
    meters = Meters()
    counter = meters.counter("a_total", "A.", "what")
    with pytest.raises(ValueError, match="labels"):
        counter.up()
    with pytest.raises(ValueError, match="already"):
        meters.counter("a_total", "A.")


def test_openmetrics_where_it_is_asked_for() -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.3"
    text, content_type = exposition(_meters().families.values(), accept)
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
