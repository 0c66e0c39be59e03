"""The configuration of edges, nginx and Varnish, and how a copy of it is fitted to a machine.

Both files are complete. What differs by machine is one line each, marked `# yours: NAME` at its
end; `fitted` writes others in their place, and leaves out those that are given as None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Literal

Kind = Literal["nginx", "varnish"]

FILES: dict[Kind, str] = {"nginx": "nginx.conf", "varnish": "varnish.vcl"}
_YOURS = re.compile(r"^(?P<indent> *)\S.*# yours: (?P<name>[a-z0-9 ]+)$")


def text(kind: Kind) -> str:
    """The file as it is packaged."""
    return resources.files(__name__).joinpath(FILES[kind]).read_text()


def names(kind: Kind) -> tuple[str, ...]:
    """The names of the lines that are to be fitted, in their order."""
    matches = (_YOURS.match(line) for line in text(kind).splitlines())
    return tuple(match["name"] for match in matches if match)


def fitted(kind: Kind, lines: Mapping[str, str | None]) -> str:
    """The file with these lines, by name; ValueError for a name that it does not have."""
    if unknown := lines.keys() - set(names(kind)):
        msg = f"{FILES[kind]} has no line {sorted(unknown)}"
        raise ValueError(msg)
    made: list[str] = []
    for line in text(kind).splitlines():
        match = _YOURS.match(line)
        if match is None or match["name"] not in lines:
            made.append(line)
        elif (other := lines[match["name"]]) is not None:
            made.append(match["indent"] + other)
    return "\n".join(made) + "\n"
