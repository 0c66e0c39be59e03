from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from catalog.records import RenditionRecord
from pipeline.cli.live_reporter import LiveReporter
from pipeline.cli.outcomes import summary
from pipeline.cli.reporters import JsonReporter, PlainReporter
from pipeline.progress import Outcome, Progress, Reporter, Stage, Status

ONE, TWO = Path("one.wav"), Path("two.wav")
FLAC = RenditionRecord("flac", "lossless", "flac", "fLaC", 900_000, 44_100, 2, 16, "k", 10, "0")
DONE = Outcome(
    ONE,
    Status.PUBLISHED,
    1.25,
    title="Night [bold]Train\x1b[31m",
    track_id="t1",
    revision="r1",
    duration_s=61.0,
    renditions=(FLAC,),
    hls="/s/multivariant.m3u8",
    dash="/s/manifest.mpd",
)
FAILED = Outcome(TWO, Status.FAILED, 0.5, error="two.wav: the file is empty (copy it again)")


def play(reporter: Reporter) -> None:
    reporter.begin([ONE, TWO])
    reporter.progress(Progress(ONE, Stage.PROBE))
    reporter.progress(Progress(ONE, Stage.ENCODE, DONE.title, 0.5))
    reporter.progress(Progress(ONE, Stage.ENCODE, DONE.title, 0.9))
    reporter.warn(ONE, "its date 'soon' is not valid")
    reporter.done(DONE)
    reporter.done(FAILED)
    reporter.end()


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    play(PlainReporter())
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "2 masters",
        "one.wav: probe",
        "one.wav: encode",
        "one.wav: note: its date 'soon' is not valid",
        "[1/2] published: Night [bold]Train\\x1b[31m (1:01) t1/r1 in 1.2 s",
        "[2/2] two.wav: the file is empty (copy it again)",
    ]


def test_json_is_one_object_for_each_track(capsys: pytest.CaptureFixture[str]) -> None:
    play(JsonReporter(PlainReporter()))
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["renditions"] == [
        {
            "name": "flac",
            "codec": "flac",
            "bitrate": 900_000,
            "tier": "lossless",
            "sample_rate": 44_100,
            "channels": 2,
            "bit_depth": 16,
            "bytes": 10,
        }
    ]
    assert (first["hls"], first["dash"]) == ("/s/multivariant.m3u8", "/s/manifest.mpd")
    assert (second["status"], second["track_id"]) == ("failed", None)
    assert second["error"] == FAILED.error


def test_live_bars_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen = io.StringIO()
    play(LiveReporter(Console(file=screen, force_terminal=True, width=100)))
    text = screen.getvalue()
    assert "Night [bold]Train" in text
    assert "Train\x1b[31m" not in text
    assert "two.wav: the file is empty" in text
    assert capsys.readouterr().out == ""


def test_summary_counts() -> None:
    assert summary([DONE, FAILED, FAILED]) == "1 published, 2 failed"


def test_progress_grows_through_the_stages() -> None:
    parts = [Progress(ONE, stage, None, part).overall for stage in Stage for part in (0.0, 1.0)]
    assert parts == sorted(parts)
    assert (parts[0], parts[-1]) == (0.0, 1.0)
