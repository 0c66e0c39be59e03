"""A setting that is wrong."""

from __future__ import annotations

from collections.abc import Iterable


class ConfigError(Exception):
    """One or more settings were refused; each problem names file (and line), key and remedy."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
