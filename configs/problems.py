"""Wrong values as sentences: where it stands, the key, the value, and what is allowed."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from configs.document import Keys
from configs.masking import shown

_MAX_VALUE = 100  # characters of a wrong value that are shown
_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    Path: "a path",
}


def problems(
    error: ValidationError, model: type[BaseModel], where: Callable[[Keys], str]
) -> tuple[str, ...]:
    """Tell each problem that pydantic found in a model's values, in one line each."""
    return tuple(_problem(detail, model, where) for detail in error.errors(include_url=False))


def unknown(where: str, keys: Keys, names: Iterable[str], wrong_part: int = -1) -> str:
    """Tell that a part of a key is none of the names allowed there. Its value is not shown."""
    names = tuple(names)
    near = get_close_matches(str(keys[wrong_part]), names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{where}: {dotted(keys)}: is not a setting: {hint}allowed: {', '.join(names)}"


def wrong(where: str, keys: Keys, value: object, allowed: str) -> str:
    """Tell that a value is not allowed, and what is."""
    text = repr(shown(dotted(keys), value))
    if len(text) > _MAX_VALUE:
        text = f"{text[:_MAX_VALUE]}..."
    return f"{where}: {dotted(keys)}: value {text} is not allowed: {allowed}"


def dotted(keys: Keys) -> str:
    """Write keys as people do: `drm.subscriptions.free`, `rungs[0].name`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def allowed(field: FieldInfo) -> str:
    """Say which values a field takes: "a whole number from 1 to 256, or null"."""
    plain, optional = _without_none(field.annotation)
    text = field.description or _type_text(plain) + _bounds(field.metadata)
    return f"{text}, or null" if optional else text


def field_at(model: type[BaseModel], keys: Keys) -> FieldInfo | None:
    """Return the field that these keys lead to or into; None where they name none."""
    found = None
    inner: Any = model
    for key in keys:
        if _is_section(inner):
            found = inner.model_fields.get(str(key))
            if found is None:
                return None
            inner = plain_type(found.annotation)
        elif get_origin(inner) is tuple:
            inner = get_args(inner)[0]
        elif get_origin(inner) is dict and _is_section(get_args(inner)[1]):
            inner = get_args(inner)[1]
        else:
            break
    return found


def plain_type(annotation: Any) -> Any:
    """Return the type itself: without `| None` and what annotates it."""
    plain, _ = _without_none(annotation)
    return get_args(plain)[0] if get_origin(plain) is Annotated else plain


def takes_null(field: FieldInfo) -> bool:
    """Tell whether a field may be null."""
    return _without_none(field.annotation)[1]


def _problem(detail: ErrorDetails, model: type[BaseModel], where: Callable[[Keys], str]) -> str:
    keys = tuple(key for key in detail["loc"] if key != "[key]")
    kind, value = detail["type"], detail["input"]
    parent = field_at(model, keys[:-1])
    if kind == "extra_forbidden":
        owner = _model_of(parent) if parent else model
        return unknown(where(keys), keys, owner.model_fields if owner else ())
    if kind == "missing":
        return f"{where(keys)}: {dotted(keys)}: is missing"
    if kind == "value_error":
        reason = str(detail["ctx"]["error"])
        if isinstance(value, (dict, BaseModel)):  # about several keys: the reason names them
            return ": ".join(filter(None, [where(keys), dotted(keys), reason]))
        return wrong(where(keys), keys, value, reason)
    field = field_at(model, keys)
    if field is None:  # the whole file
        return f"{where(keys)}: is not a mapping of {', '.join(model.model_fields)}"
    return wrong(where(keys), keys, value, allowed(field))


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    inner = plain_type(field.annotation)
    if get_origin(inner) is tuple:
        inner = get_args(inner)[0]
    elif get_origin(inner) is dict:
        inner = get_args(inner)[1]
    return inner if _is_section(inner) else None


def _is_section(inner: Any) -> bool:
    return isinstance(inner, type) and issubclass(inner, BaseModel)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Split `X | None` into X and whether None was there."""
    if get_origin(annotation) in {Union, types.UnionType}:
        members = [one for one in get_args(annotation) if one is not type(None)]
        return members[0], len(members) < len(get_args(annotation))
    return annotation, False


def _type_text(annotation: Any) -> str:
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        described = (one.description for one in members[1:] if isinstance(one, FieldInfo))
        return next((text for text in described if text), None) or _type_text(members[0])
    if origin is Literal:
        names = [str(member) for member in members]
        return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    if origin is tuple:
        return f"a list, each {_type_text(members[0])}"
    if origin is dict:
        return f"a mapping, each key {_type_text(members[0])}, each value {_type_text(members[1])}"
    return _WORDS.get(annotation, "a section of keys")


def _bounds(metadata: list[Any]) -> str:
    low = next((one.ge for one in metadata if hasattr(one, "ge")), None)
    high = next((one.le for one in metadata if hasattr(one, "le")), None)
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low}"
    return ", not empty" if any(hasattr(one, "min_length") for one in metadata) else ""
