"""Settings from everywhere they may come from, checked, with the source of each.

Later wins: the packaged defaults, the YAML file, the environment, the flags.

The environment: `HEADWATER_HOME` is `home`, `HEADWATER_TENANT` is `tenant`, `HEADWATER_CONFIG`
names the YAML file, and `HEADWATER_SECTION__KEY` is any other (`HEADWATER_INGEST__JOBS=4`).
A list is written with commas or as YAML, a mapping or a part with keys of its own as YAML; "" or
"null" is null where null is allowed. A `HEADWATER_` variable that is none of these is refused: it
would be a typing mistake.

Relative paths in the YAML file are relative to the folder that file is in, so that it means the
same wherever a command is started; in the environment and in flags they are relative to the
current folder. "~" is the user's own folder everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args, get_origin

import yaml
from pydantic import ValidationError

from configs.document import Document, Keys, read_document
from configs.errors import ConfigError
from configs.problems import (
    allowed,
    dotted,
    field_at,
    plain_type,
    problems,
    takes_null,
    unknown,
    wrong,
)
from configs.settings import Section, Settings

PREFIX = "HEADWATER_"
_CONFIG = "HEADWATER_CONFIG"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and where each came from: `default`, `file:line`, a variable, or `flag`."""

    settings: Settings
    sources: dict[str, str]  # by dotted key, every setting


@dataclass(frozen=True, slots=True)
class _Given:
    """One value that somebody set."""

    keys: Keys
    value: object
    source: str
    document: Document | None = None

    def where(self, keys: Keys) -> str:
        """Say where this value, or a part of it, stands."""
        return self.document.where(keys) if self.document else self.source


def load_settings(path: Path | None, env: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """Read, merge and check all settings; ConfigError carries every problem there is.

    `path` is the YAML file (None: HEADWATER_CONFIG, or no file). Flags are dotted keys; a flag
    that is None was not given.
    """
    wrongs: list[str] = []
    given: dict[Keys, _Given] = {}
    for one in (*_from_file(path, env, wrongs), *_from_env(env, wrongs), *_from_flags(flags)):
        if not _is_setting(one.keys):
            wrongs.append(_unknown(one))
        else:
            given[one.keys] = one
    settings = _validated(given, wrongs)
    if wrongs or settings is None:
        raise ConfigError(wrongs)
    sources = {
        dotted(keys): given[keys].where(keys) if keys in given else "default"
        for keys in setting_keys()
    }
    return Loaded(settings, sources)


def setting_keys() -> Iterator[Keys]:
    """Go through the keys of all settings, in the order of the file."""
    for name in Settings.model_fields:
        if section := _section(name):
            yield from ((name, key) for key in section.model_fields)
        else:
            yield (name,)


def _from_file(path: Path | None, env: Mapping[str, str], wrongs: list[str]) -> Iterator[_Given]:
    if path is None:
        if not env.get(_CONFIG):
            return
        path = Path(env[_CONFIG]).expanduser()
    try:
        document = read_document(path)
    except ConfigError as exc:
        wrongs.extend(exc.problems)
        return
    values = {} if document.value is None else document.value
    if not isinstance(values, dict):
        wrongs.append(f"{path}: is not a mapping of sections, such as `origin:`")
        return
    for name, value in values.items():
        if _section(name) is None:
            yield _in_file((name,), value, document, path.parent)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield _in_file((name, key), inner, document, path.parent)
        elif value is not None:  # a section whose keys are all commented out is null
            where = document.where((name,))
            wrongs.append(wrong(where, (name,), value, "a section: its keys, indented"))


def _in_file(keys: Keys, value: object, document: Document, folder: Path) -> _Given:
    return _Given(keys, _located(keys, value, folder), document.file, document)


def _from_env(env: Mapping[str, str], wrongs: list[str]) -> Iterator[_Given]:
    for name in sorted(env):
        if not name.startswith(PREFIX) or name == _CONFIG:
            continue
        keys: Keys = tuple(name.removeprefix(PREFIX).lower().split("__"))
        try:
            yield _Given(keys, _from_text(keys, env[name]), name)
        except yaml.YAMLError:
            field = field_at(Settings, keys)
            wrongs.append(wrong(name, keys, env[name], allowed(field) if field else "YAML"))


def _from_flags(flags: Mapping[str, object]) -> Iterator[_Given]:
    for key, value in flags.items():
        if value is not None:
            yield _Given(tuple(key.split(".")), value, "flag")


def _from_text(keys: Keys, text: str) -> object:
    """Read a variable's text as what its setting wants; the check comes later."""
    field = field_at(Settings, keys)
    if field is None or not _is_setting(keys):
        return text
    plain = plain_type(field.annotation)
    if takes_null(field) and text in {"", "null"}:
        return None
    kind = get_origin(plain)
    if kind is tuple and not text.lstrip().startswith("["):
        listed = [part.strip() for part in text.split(",") if part.strip()]
        return _located(keys, listed, Path())
    value: object = text
    if kind in {tuple, dict} or (isinstance(plain, type) and issubclass(plain, Section)):
        value = yaml.safe_load(text)
    return _located(keys, value, Path())


def _located(keys: Keys, value: object, folder: Path) -> object:
    """Paths, of a setting that is one or lists some, from that folder on."""
    field = field_at(Settings, keys)
    plain = plain_type(field.annotation) if field is not None else None
    if get_origin(plain) is tuple and plain_type(get_args(plain)[0]) is Path:
        if isinstance(value, list):
            return [_path(one, folder) for one in value]
        return value
    return _path(value, folder) if plain is Path else value


def _path(value: object, folder: Path) -> object:
    return folder / _home_expanded(value) if isinstance(value, str) and value else value


def _home_expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no such user: then the file will not be found, and be named
        return Path(text)


def _validated(given: Mapping[Keys, _Given], wrongs: list[str]) -> Settings | None:
    tree: dict[str, object] = {}
    for keys, one in given.items():
        *outer, last = map(str, keys)
        level = tree
        for name in outer:
            level = level.setdefault(name, {})  # type: ignore[assignment]  # only dicts are outer
        level[last] = one.value

    def where(keys: Keys) -> str:
        about = [one for place, one in given.items() if place[: len(keys)] == keys[: len(place)]]
        return about[-1].where(keys) if about else "settings"

    try:
        return Settings.model_validate(tree)
    except ValidationError as exc:
        wrongs.extend(problems(exc, Settings, where))
        return None


def _section(name: str) -> type[Section] | None:
    field = Settings.model_fields.get(name)
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _is_setting(keys: Keys) -> bool:
    return keys in set(setting_keys())


def _unknown(one: _Given) -> str:
    section = _section(str(one.keys[0]))
    names = (section or Settings).model_fields
    return unknown(one.where(one.keys), one.keys, names, -1 if section else 0)
