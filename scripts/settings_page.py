"""Writes docs/settings.md from configs/headwater.yaml: `scripts/docs` runs it, a test compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "configs" / "headwater.yaml"
PAGE = ROOT / "docs" / "settings.md"

_HEAD = """# Settings

<!-- Written by `scripts/docs` from configs/headwater.yaml: change that file, not this one. -->

A setting comes from four places, and the later one wins: the defaults below, a YAML file (named
by `--config FILE` or `HEADWATER_CONFIG`), the environment, flags of a command. `headwater config
show` prints what is in force and where each value came from. A wrong setting is refused at start,
all of them at once, each with its file and line, its value and what is allowed.

In an environment variable a list is written with commas, a mapping as YAML, and an empty text is
`null`. Relative paths in a file are relative to that file's folder, elsewhere to the current one.

A file holds only what differs:

```yaml
home: /srv/headwater
origin:
  public_url: https://music.example.com
  workers: 4
```
"""
_KEY = re.compile(r"(?P<indent> *)(?P<name>[a-z][a-z0-9_]*):(?: (?P<value>.+))?")


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the file: a setting, or the head of a section (then `value` is None)."""

    path: tuple[str, ...]
    value: str | None
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "HEADWATER_" + "__".join(self.path).upper()


def settings(text: str) -> Iterator[Setting]:
    """The settings of the commented file, in order. A comment holds for all keys right below it."""
    comment: list[str] = []
    used = False
    section: tuple[str, ...] = ()
    lines = text.splitlines()
    for index, line in enumerate(lines):
        bare = line.strip()
        if bare.startswith("#"):
            if line.startswith("    "):  # about a part of a mapping, which is shown as a whole
                continue
            comment = [] if used else comment
            used = False
            comment.append(bare.removeprefix("#").strip())
            continue
        match = _KEY.fullmatch(line)
        if match is None or len(match["indent"]) > 2:
            comment = [] if not bare else comment
            continue
        depth = 1 if match["indent"] else 0
        path = (*section[:depth], match["name"])
        value = match["value"] or _mapping(lines[index + 1 :], depth)
        section = section if depth else (path if value is None else ())
        used = True
        yield Setting(path, value, " ".join(comment))


def _mapping(below: list[str], depth: int) -> str | None:
    """The value of a key that is a mapping of values, on one line; None for a section."""
    if not depth:
        return None
    entries = []
    for line in below:
        if not line.startswith("    "):
            break
        if not line.strip().startswith("#"):
            entries.append(line.strip())
    return "{" + ", ".join(entries) + "}"


def page(text: str) -> str:
    """The whole of docs/settings.md."""
    parts = [_HEAD, "## General", "", *_table_head()]
    for one in settings(text):
        if one.value is None:
            parts += ["", f"## `{one.path[0]}`", "", one.meaning, "", *_table_head()]
        else:
            name = f"`{'.'.join(one.path)}`"
            parts.append(f"| {name} | `{one.value}` | `{one.variable}` | {one.meaning} |")
    return "\n".join(parts) + "\n"


def _table_head() -> tuple[str, str]:
    return "| setting | default | variable | meaning |", "|---|---|---|---|"


if __name__ == "__main__":
    PAGE.write_text(page(SOURCE.read_text()))
    print(f"wrote {PAGE.relative_to(ROOT)}")
