"""An origin over a test's house, as a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, sys
from pathlib import Path
from configs.settings import OriginSettings
from origin.server import serve
from tests.support import house as houses
logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
settings = OriginSettings.model_validate_json(sys.argv[2])
house = houses.House(Path(sys.argv[1]), None, {})
serve(settings, lambda: houses.open_deps(house, settings))
"""


@contextmanager
def serving_house(root: Path, **settings: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address; killed at the end of the block, if it still runs."""
    document = json.dumps({"port": 0, "shutdown_grace_s": 5, **settings}, default=str)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(root), document],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        match = re.fullmatch(r"headwater: serving at (\S+)\n", line)
        assert match is not None, line + process.stdout.read()
        yield process, match[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that it has forked."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(text) for text in path.read_text().split()]
