from __future__ import annotations

import pytest

from pipeline.ffmpeg.progress import progress_of


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("out_time_us=1500000", 0.5),
        ("out_time_us=9000000", 1.0),
        ("out_time_us=-23000", 0.0),
        ("out_time_us=N/A", None),
        ("out_time=00:00:01.5", None),
        ("progress=continue", None),
        ("progress=end", 1.0),
        ("", None),
    ],
)
def test_part_of_three_seconds(line: str, part: float | None) -> None:
    assert progress_of(line, 3.0) == part
