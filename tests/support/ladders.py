"""Ladders for tests."""

from __future__ import annotations

from pathlib import Path

# All of the packaged ladder's renditions, encoded in a third of the time.
FAST = Path(__file__).with_name("fast_ladder.yaml")
