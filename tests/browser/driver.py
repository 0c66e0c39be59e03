"""Runs a scenario of `scenarios/` in Chromium, through node and playwright-core."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_DEADLINE_S = 240
_ADVICE = "run `scripts/setup test`, which brings it"


class NotSetUp(Exception):
    """Something that the browser tests are made of is missing. They never pass by being skipped."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Chromium, and the node that drives it."""

    chromium: str
    node: str

    def run(self, scenario: str, **given: object) -> Any:
        """What the scenario saw; a failure shows the command that repeats it."""
        command = [self.node, str(_HERE / "run.mjs"), scenario, self.chromium, json.dumps(given)]
        done = subprocess.run(
            command, cwd=_ROOT, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return json.loads(done.stdout)


def find_browser() -> Browser:
    """Chromium, node and the node modules. Raises NotSetUp, which says what to do."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise NotSetUp(f"there is no chromium: {_ADVICE}")
    node = shutil.which("node")
    if node is None:
        raise NotSetUp(f"there is no node: {_ADVICE}")
    for needed in ("node_modules/playwright-core", "origin/player/vendor/shaka-player.js"):
        if not (_ROOT / needed).exists():
            raise NotSetUp(f"{needed} is missing: {_ADVICE}")
    return Browser(chromium, node)
