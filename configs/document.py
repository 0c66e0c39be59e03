"""A YAML file as plain values that remember their lines."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeAlias

import yaml

from configs.errors import ConfigError

Keys: TypeAlias = tuple[str | int, ...]  # the way to a value: ("ingest", "jobs"), ("rungs", 0)

_MAX_DEPTH = 20  # no file of ours is deeper than 4; guards against an alias to its own parent


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one YAML file and where each of them stands."""

    file: str  # its name in messages
    value: object  # None for an empty file
    lines: dict[Keys, int]  # 1-based

    def where(self, keys: Keys) -> str:
        """Return "file:line" of a value, or of the nearest one around it."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        line = self.lines.get(keys)
        return f"{self.file}:{line}" if line else self.file


def read_document(path: Path | Traversable) -> Document:
    """Read a YAML file. ConfigError when it cannot be read, is not YAML or names a key twice."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise ConfigError([f"{file}: is not UTF-8 text (byte {exc.start})"]) from exc
    except OSError as exc:
        cause = (exc.strerror or str(exc)).lower()
        raise ConfigError([f"{file}: cannot be read: {cause}"]) from exc
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        reader = _Reader(file, loader)
        value = reader.value(node, ()) if node is not None else None
    except yaml.YAMLError as exc:
        raise ConfigError([_syntax_problem(file, exc)]) from exc
    if reader.problems:
        raise ConfigError(reader.problems)
    return Document(file, value, reader.lines)


def packaged(name: str) -> Traversable:
    """Return a file that is installed with this package, such as `ladder.yaml`."""
    return files("configs") / name


class _Reader:
    """Builds values from nodes, keeping their lines."""

    def __init__(self, file: str, loader: yaml.SafeLoader) -> None:
        self.lines: dict[Keys, int] = {}
        self.problems: list[str] = []
        self._file = file
        self._loader = loader

    def value(self, node: yaml.Node, keys: Keys) -> object:
        """Build the value of a node that stands at these keys."""
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if len(keys) > _MAX_DEPTH:
            self.problems.append(f"{self._place(node)}: is nested too deeply")
        elif isinstance(node, yaml.MappingNode):
            return self._mapping(node, keys)
        elif isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*keys, n)) for n, item in enumerate(node.value)]
        else:
            return self._loader.construct_object(node)
        return None

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self.problems.append(f"{self._place(key_node)}: a key must be a word")
                continue
            if key in values:
                dotted = ".".join(str(part) for part in (*keys, key))
                self.problems.append(f"{self._place(key_node)}: {dotted}: is set twice")
                continue
            self.lines[*keys, key] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, (*keys, key))
        return values

    def _place(self, node: yaml.Node) -> str:
        return f"{self._file}:{node.start_mark.line + 1}"


def _syntax_problem(file: str, exc: yaml.YAMLError) -> str:
    if isinstance(exc, yaml.MarkedYAMLError) and exc.problem_mark is not None:
        return f"{file}:{exc.problem_mark.line + 1}: is not YAML: {exc.problem or exc.context}"
    return f"{file}: is not YAML: {str(exc).splitlines()[0]}"
