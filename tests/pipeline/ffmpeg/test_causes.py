from __future__ import annotations

import pytest

from pipeline.ffmpeg.causes import cause_of


@pytest.mark.parametrize(
    ("tail", "code", "cause"),
    [
        (
            "[mp4 @ 0x1] x\nav_interleaved_write_frame(): No space left on device\n",
            1,
            "disk is full",
        ),
        ("file:/a.wav: Permission denied\n", 1, "no permission"),
        ("Unknown encoder 'libopus'\n", 1, "no encoder libopus"),
        ("trunc.wav: corrupt input packet in stream 0\n", 1, "ends before its audio does"),
        ("[flac @ 0x55] decode_frame() failed\n", 1, "its audio is damaged"),
        ("file:/a.wav: Invalid data found when processing input\n", 1, "not the audio"),
        ("file:/a.flac: End of file\n", 1, "ends before its audio begins"),
        ("[aist#0:0 @ 0x7f0ed111a280] odd thing\n", 1, "ffmpeg failed: odd thing"),
        ("", 1, "ffmpeg failed: no message"),
        ("", -9, "was killed"),
        ("", -25, "wrote more"),
        ("", -11, "crashed on it"),
        ("", -24, "computed longer"),
        ("", -12, "SIGUSR2"),
    ],
)
def test_one_line_for_what_ffmpeg_says(tail: str, code: int, cause: str) -> None:
    said = cause_of(tail, code)
    assert cause in said
    assert "\n" not in said


def test_a_signal_inside_of_the_sandbox_is_told_as_outside() -> None:
    assert "wrote more" in cause_of("", 128 + 25, is_confined=True)
    assert "no message" in cause_of("", 128 + 25)
    assert "disk quota" in cause_of("Disk quota exceeded", 128 + 6, is_confined=True)
