from __future__ import annotations

from packager.model import Loudness
from pipeline.ffmpeg.loudness import parse_blocks, parse_loudness, parse_sample_count

SAID = """\
[Parsed_volumedetect_2 @ 0x558c8edc6f40] n_samples: 0
[Parsed_ebur128_1 @ 0x558c8edc7dc0] Summary:

  Integrated loudness:
    I:         -70.0 LUFS
    Threshold:   0.0 LUFS

  Loudness range:
    LRA:         0.0 LU
    Threshold:   0.0 LUFS
    LRA low:     0.0 LUFS
    LRA high:    0.0 LUFS

  True peak:
    Peak:       -inf dBFS
video:0kB audio:2287kB subtitle:0kB other streams:0kB global headers:0kB
[Parsed_volumedetect_2 @ 0x558c8edd4ac0] n_samples: 441246
[Parsed_volumedetect_2 @ 0x558c8edd4ac0] mean_volume: -10.9 dB
[Parsed_ebur128_1 @ 0x558c8edd4280] Summary:

  Integrated loudness:
    I:          -8.5 LUFS
    Threshold: -18.4 LUFS

  Loudness range:
    LRA:         1.2 LU
    Threshold: -28.4 LUFS
    LRA low:    -8.5 LUFS
    LRA high:   -8.5 LUFS

  True peak:
    Peak:       -4.3 dBFS
[aac @ 0x558c8edcc380] Qavg: 217.646
"""


def test_the_last_summary_counts() -> None:
    assert parse_loudness(SAID) == Loudness(-8.5, 1.2, -4.3)
    assert parse_sample_count(SAID, 2) == 220_623


def test_silence_has_no_loudness() -> None:
    silent = SAID[: SAID.index("video:")]
    assert parse_loudness(silent) == Loudness(None, None, None)


def test_nothing_said_is_nothing_measured() -> None:
    assert parse_loudness("") is None
    assert parse_sample_count("", 2) is None


def test_blocks_are_read_from_what_ametadata_prints() -> None:
    printed = """\
frame:0    pts:0       pts_time:0
lavfi.r128.M=-120.691
frame:1    pts:4410    pts_time:0.1
lavfi.r128.M=-23.012
""".splitlines(keepends=True)
    assert list(parse_blocks(printed)) == [-120.691, -23.012]
