"""Runs a scenario of `scenarios/` in Chromium, through node and playwright-core."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_DEADLINE_S = 240
_END_S = 10
_NO_ANSWER = '{"error": "it ended, or took too long"}'
_ADVICE = "run `scripts/setup test`, which brings it"


class NotSetUp(Exception):
    """Something that the browser tests are made of is missing. They never pass by being skipped."""


@dataclass(slots=True)
class Browser:
    """Chromium, and the node that drives it: started for the first scenario, kept for the rest."""

    chromium: str
    node: str
    _running: subprocess.Popen[str] | None = field(default=None, repr=False)

    def run(self, scenario: str, **given: object) -> Any:
        """What the scenario saw; a failure shows the command that repeats it."""
        command = [self.node, str(_HERE / "run.mjs"), self.chromium]
        if self._running is None:
            self._running = subprocess.Popen(
                command,
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        node = self._running
        assert node.stdin is not None
        assert node.stdout is not None
        late = threading.Timer(_DEADLINE_S, node.terminate)  # playwright takes Chromium with it
        late.start()
        try:
            node.stdin.write(json.dumps([scenario, given]) + "\n")
            node.stdin.flush()
            answer = json.loads(node.stdout.readline() or _NO_ANSWER)
        finally:
            late.cancel()
        if "result" not in answer:
            self.close()  # whatever it was: the next scenario has a new one
            repeat = shlex.join([*command, scenario, json.dumps(given)])
            raise AssertionError(f"{repeat}\n{answer.get('error', 'it saw nothing')}")
        return answer["result"]

    def close(self) -> None:
        """End Chromium, and node after it."""
        if self._running is not None:
            node, self._running = self._running, None
            try:
                node.communicate(timeout=_END_S)  # it ends with its input
            except subprocess.TimeoutExpired:
                node.kill()
                node.communicate()


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
