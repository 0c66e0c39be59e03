"""From reports to sums: what a session's requests, or its events, say of how it went."""

from __future__ import annotations

import time

import pytest

from configs.telemetry.series import Meters
from origin.cmcd import Report
from origin.quality import _MOST_WAITING, Asked, Quality, _Word
from origin.shared import Shared

NAMES = {"aac-64k", "flac"}
CDNS = {"near": ["media.example.com"], "far": ["cdn.example.net"]}


class Listening:
    """A worker's sums, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.meters = Meters()
        self.quality = Quality(self.meters, Shared.of(1).sessions, NAMES, CDNS)
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)

    def ask(self, after_s: float, report: Report, rendition: str | None = "flac") -> None:
        self.now_s += after_s
        self.quality.requested(report, rendition, None)

    def sum(self, name: str) -> float:
        family = self.meters.families[f"headwater_qoe_{name}"]
        return sum(cell[-1] for cell in family.cells.values())

    def labels(self, name: str) -> set[tuple[str, ...]]:
        return set(self.meters.families[f"headwater_qoe_{name}"].cells)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Listening:
    return Listening(monkeypatch)


def _segment(buffer_s: float, *, starved: bool = False, urgent: bool = False) -> Report:
    return Report(
        session="s",
        object_type="a",
        bitrate_kbps=900,
        duration_ms=4000,
        buffer_ms=buffer_s * 1000,
        is_starved=starved,
        is_startup=urgent,
    )


def test_a_row_has_room_for_what_is_in_it() -> None:
    assert len(Shared.of(1).sessions.of("s")) >= len(_Word)


def test_requests_tell_of_startup_play_and_stalls(listening: Listening) -> None:
    listening.ask(0, Report(session="s", object_type="m", is_startup=True), None)
    listening.ask(0.5, _segment(0, urgent=True))
    listening.ask(0.3, _segment(4))  # no longer urgent: it plays, 0.8 s after it was wished for
    assert listening.sum("startup_seconds") == pytest.approx(0.8)
    listening.ask(4, _segment(4))  # 8 s were asked for, 4 s are in the buffer: 4 s were played
    assert listening.sum("played_seconds_total") == pytest.approx(4)
    listening.ask(10, _segment(0, starved=True))  # 12 s asked for, all played, in 10 s 8
    assert listening.sum("played_seconds_total") == pytest.approx(12)
    assert listening.sum("stalled_seconds_total") == pytest.approx(2)
    assert listening.sum("stalls_total") == 1
    assert listening.sum("media_seconds_total") == pytest.approx(16)
    assert listening.sum("media_bits_total") == pytest.approx(16 * 900_000)
    assert listening.labels("media_seconds_total") == {("flac", "none")}


def test_events_say_what_the_state_was(listening: Listening) -> None:
    listening.ask(0, _segment(0, urgent=True))
    for at_s, state in ((0, "s"), (1.5, "p"), (5.5, "r"), (7.5, "p"), (7, "p"), (10.5, "a")):
        listening.now_s += 1
        listening.quality.told(
            Report(session="s", event="ps", state=state, at_ms=1.7e12 + at_s * 1000)
        )
    assert listening.sum("startup_seconds") == pytest.approx(1.5)
    assert listening.sum("played_seconds_total") == pytest.approx(7)
    assert listening.sum("stalled_seconds_total") == pytest.approx(2)
    assert listening.sum("stalls_total") == 1
    listening.ask(100, _segment(0, starved=True))  # of what events tell, requests do not
    assert listening.sum("stalls_total") == 1
    assert listening.labels("played_seconds_total") == {("flac", "none")}


def test_what_was_received_says_from_where(listening: Listening) -> None:
    path = f"/v1/t/2.token/tracks/t{'a2' * 10}/0123456789abcdef/aac-64k.mp4"
    url = f"https://cdn.example.net{path}"
    listening.quality.told(Report(session="s", event="rr", url=url, status=206))
    listening.quality.told(Report(session="s", event="rr", url=url, status=503))
    for at_ms, state in ((1000, "p"), (3000, "p")):
        listening.quality.told(Report(session="s", event="t", state=state, at_ms=at_ms))
    assert listening.labels("played_seconds_total") == {("aac-64k", "far")}
    assert listening.labels("errors_total") == {("far",)}


def test_nobody_is_believed_more_time_than_has_passed(listening: Listening) -> None:
    for number in range(1000):
        at_ms = number * 100_000
        listening.quality.told(Report(session="s", event="t", state="p", at_ms=at_ms))
    assert listening.sum("played_seconds_total") <= 121


def test_labels_are_ours_whatever_is_said(listening: Listening) -> None:
    for number in range(500):
        report = Report(session=f"s{number}", duration_ms=1000, cdn=f"cdn{number}")
        listening.ask(0, report, f"rendition-{number}")
        url = f"https://host{number}/v1/t/x/tracks/x/y/z{number}.mp4"
        listening.quality.told(Report(session="s", event="rr", url=url, status=500))
        listening.quality.told(Report(session="s", event="rr", url="http://[", status=500))
    assert listening.labels("media_seconds_total") == {("other", "other")}
    assert listening.labels("errors_total") <= {("other",), ("none",)}


def test_more_than_can_be_read_is_counted_only(listening: Listening) -> None:
    for _ in range(_MOST_WAITING + 10):
        listening.quality.note(Asked("/x?CMCD=d%3D1", None, None))
    listening.quality.note(Asked("/x?CMCD=%00", None, None))
    listening.quality.note(Asked("/x", 'sid="h",d=1', "far"))
    while listening.quality.work(1000):
        pass
    assert listening.quality.reports.cells == {
        ("request", "dropped"): [12],
        ("request", "read"): [_MOST_WAITING - 1],
        ("request", "malformed"): [1],
    }
