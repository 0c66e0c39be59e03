"""What passes and what does not."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from catalog.errors import CatalogMismatch, CatalogUnavailable
from configs.settings import JobSettings
from drm.errors import KekAway, KekUnavailable
from pipeline.errors import BadMaster, EncoderFailed, EncoderStuck
from pipeline.retry import RetryPolicy, is_passing
from storage.base import ObjectExists, StorageError


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (BadMaster(Path("a"), "no audio"), False),
        (StorageError("away"), True),
        (ObjectExists("there"), False),
        (CatalogUnavailable("locked"), True),
        (CatalogMismatch("newer"), False),
        (KekAway("kms", "does not answer", "try again"), True),
        (KekUnavailable("kek.json", "missing", "restore it"), False),
        (OSError(errno.ENOSPC, "full"), True),
        (FileNotFoundError(errno.ENOENT, "gone"), False),
        (EncoderFailed(["ffmpeg"], 1, "Invalid data found", "damaged"), False),
        (EncoderFailed(["ffmpeg"], 1, "av_write: No space left on device", "full"), True),
        (EncoderFailed(["ffmpeg"], None, "", "it cannot be started"), True),
        (EncoderFailed(["ffmpeg"], 1, "Cannot allocate memory", "no memory"), True),
        (EncoderStuck(["ffmpeg"], None, "", "past its deadline"), True),
        (EncoderFailed(["ffmpeg"], -9, "", "killed"), True),
        (EncoderFailed(["ffmpeg"], -11, "", "crashed on it"), False),
        (EncoderFailed(["ffmpeg"], -24, "", "computed too long"), False),
        (ValueError("a bug"), False),
    ],
)
def test_what_passes(error: Exception, passes: bool) -> None:  # noqa: FBT001 - a case
    assert is_passing(error) is passes


def test_waits_double_up_to_a_most() -> None:
    policy = RetryPolicy.of(JobSettings(attempts=3, backoff_s=10, backoff_max_s=35))
    for attempt, whole in ((1, 10), (2, 20), (3, 35), (40, 35)):
        assert 0.75 * whole <= policy.delay_s(attempt) <= whole
    assert [policy.is_last(attempt) for attempt in (1, 2, 3)] == [False, False, True]
