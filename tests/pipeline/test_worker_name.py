"""A worker's name tells whether it lives, to those who can know."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline.worker_name import is_gone, this_worker

ROOT = Path(__file__).parents[2]


def test_a_process_that_ended_is_gone_and_others_are_not() -> None:
    mine = this_worker()
    assert f":{os.getpid()}@" in mine
    assert not is_gone(mine)
    code = "from pipeline.worker_name import this_worker; print(this_worker())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert is_gone(done.stdout.strip())


def test_of_another_machine_nothing_is_known() -> None:
    assert not is_gone("elsewhere:1@5.00000000")
    assert not is_gone("w")
