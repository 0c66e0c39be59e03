"""`headwater serve` as its own process, on a free port, until the end of the block."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_S = 60  # of a busy machine
STOP_S = 15


def headwater(*arguments: str) -> list[str]:
    """The command line of the installed console script."""
    return [str(Path(sys.executable).parent / "headwater"), *arguments]


@contextmanager
def serving(environment: Mapping[str, str], *flags: str, log: Path | None = None) -> Iterator[str]:
    """The address of a running origin; the block fails when it does not end by SIGTERM.

    It does jobs only with the flag `--executor`.

    With a `log`, what it says is kept there, and it says all it can.
    """
    with log.open("w+") if log else tempfile.TemporaryFile("w+") as said:
        loudly = () if log is None else ("-vv",)
        executor = () if "--executor" in flags else ("--no-executor",)
        command = headwater(*loudly, "serve", "--port", "0", *executor, *flags)
        process = subprocess.Popen(command, stderr=said, env=dict(environment))
        try:
            yield address_of(process, Path(f"/proc/self/fd/{said.fileno()}"))
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def address_of(process: subprocess.Popen[bytes], said: Path) -> str:
    """The address that `headwater serve` writes to a file, once it answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if address := re.search(r"https?://[^\s/]+:\d+", said.read_text()):
            return address[0]
        time.sleep(0.05)
    msg = f"the origin does not say where it is: {said.read_text()}"
    raise AssertionError(msg)
