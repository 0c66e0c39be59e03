"""A setting that is wrong."""

from __future__ import annotations


class ConfigError(Exception):
    """One or more settings were refused; each problem names file (and line), key and remedy."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))
