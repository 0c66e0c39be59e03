"""What lies beside a master and belongs to it: `<master>.yaml`, and the folder's cover.

# 01 Prelude.wav.yaml
id: prelude-2026          # the operator's own id
title: Prelude
artists: [Ada, Bo]
isrc: QZ-ABC-26-00001
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from configs.bounds import SIDECAR_BYTES
from pipeline.errors import BadMaster
from pipeline.tags import FIELD_NAMES, Fields

_COVER_STEMS = ("cover", "front", "folder")
_COVER_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar file says."""

    fields: Fields = field(default_factory=dict)
    operator_id: str | None = None


def read_sidecar(master: Path) -> Sidecar:
    """The sidecar of a master; empty where there is none. Raises BadMaster where it is wrong."""
    path = master.with_name(master.name + ".yaml")
    if not path.exists():
        return Sidecar()
    if not path.is_file():  # a pipe would keep us waiting
        raise BadMaster(master, f"its sidecar {path.name} is not a regular file")
    try:
        with path.open("rb") as file:
            data = file.read(SIDECAR_BYTES + 1)
        if len(data) > SIDECAR_BYTES:
            raise BadMaster(master, f"its sidecar {path.name} is larger than {SIDECAR_BYTES} bytes")
        content = yaml.safe_load(data.decode("utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as exc:
        cause = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise BadMaster(master, f"its sidecar {path.name} cannot be read: {cause}") from exc
    if content is None:
        return Sidecar()
    if not isinstance(content, Mapping):
        raise BadMaster(master, f"its sidecar {path.name} is not a mapping of names to values")
    unknown = sorted(str(name) for name in content if name not in {*FIELD_NAMES, "id"})
    if unknown:
        allowed = ", ".join(["id", *FIELD_NAMES])
        cause = f"its sidecar {path.name} has unknown keys: {', '.join(unknown)}"
        raise BadMaster(master, cause, f"known: {allowed}")
    try:
        fields = {name: _values(value) for name, value in content.items() if name != "id"}
        own_id = next(iter(_values(content.get("id"))), None)
    except ValueError as exc:
        raise BadMaster(master, f"its sidecar {path.name} cannot be used: {exc}") from exc
    return Sidecar(fields, own_id)


def write_sidecar(master: Path, fields: Mapping[str, str | tuple[str, ...]]) -> None:
    """Say something of a master: `id`, and fields by their names. Whole, or not at all. OSError."""
    path = master.with_name(master.name + ".yaml")
    content = {name: list(one) if isinstance(one, tuple) else one for name, one in fields.items()}
    new = path.with_name(path.name + ".new")
    new.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    new.replace(path)


def folder_cover(master: Path, max_bytes: int) -> bytes | None:
    """The picture that lies beside a master; None where there is none that can be read."""
    wanted = [stem + suffix for stem in _COVER_STEMS for suffix in _COVER_SUFFIXES]
    try:
        found = {one.name.lower(): one for one in master.parent.iterdir()}
        for name in wanted:
            if name in found and found[name].is_file():  # a pipe would keep us waiting
                with found[name].open("rb") as file:
                    return file.read(max_bytes + 1)
    except OSError:
        return None
    return None


def _values(value: object) -> tuple[str, ...]:
    """The texts; ValueError for what is none: aliases in aliases would be a text without end."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, (list, Mapping, set, bytes)) for one in values):
        raise ValueError("a value has to be a text, a number, or a list of these")
    texts = (str(one).strip() for one in values if one is not None)
    return tuple(text for text in texts if text)
