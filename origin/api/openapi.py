"""The OpenAPI 3.1 document of the endpoints. Pure."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from origin.api.endpoint import Access, Answer, Endpoint, Place
from origin.api.problem import ProblemDetails

_REFS = "#/components/schemas/{model}"
_PROBLEM = {"$ref": _REFS.format(model=ProblemDetails.__name__)}
_ETAG = "The entity tag, for If-None-Match."
_ABOUT = """What may be listened to, and the way to hear it.

Endpoints want an access token (a JWT) as `Authorization: Bearer`. Errors are problem details
(RFC 9457) with a machine-readable `reason`. Answers with an `ETag` may be kept and revalidated."""

_RATE = {
    "RateLimit-Policy": "The caller's quota (q) in a window of w seconds, where there is one.",
    "RateLimit": "What is left (r), and the seconds until the count begins anew (t).",
}

Document = dict[str, Any]


def document(endpoints: Iterable[Endpoint[Any, Any]], server_url: str) -> Document:
    """The document; every model that an endpoint names is among its components."""
    listed = sorted(endpoints, key=lambda one: (one.path, one.method))
    schemas, components = _schemas(listed)
    paths: dict[str, Document] = {}
    for one in listed:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Headwater",
            "version": importlib.metadata.version("headwater"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "tags": [{"name": name} for name in sorted({one.tag for one in listed})],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


_Schemas = Mapping[tuple[type[BaseModel], JsonSchemaMode], Document]


def _schemas(endpoints: Iterable[Endpoint[Any, Any]]) -> tuple[_Schemas, Document]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (ProblemDetails, "serialization"): None
    }
    for one in endpoints:
        for answer in one.answers:
            if answer.model is not None:
                wanted[answer.model, "serialization"] = None
        if one.has_body:
            wanted[one.body, "validation"] = None
    made, document = models_json_schema([*wanted], ref_template=_REFS)
    return {(model, mode): made[model, mode] for model, mode in wanted}, document.get("$defs", {})


def _operation(one: Endpoint[Any, Any], schemas: _Schemas) -> Document:
    parameters = [*_parameters(one)]
    operation: Document = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "parameters": parameters,
        "responses": {str(answer.status): _answer(one, answer, schemas) for answer in one.answers},
        "security": [{"bearer": []}] if one.access is Access.LISTENER else [],
    }
    if one.has_body:
        content = {"application/json": {"schema": schemas[one.body, "validation"]}}
        operation["requestBody"] = {"required": one.needs_body, "content": content}
    elif one.takes is not None:
        operation["requestBody"] = {"required": True, "content": {one.takes: {}}}
    if one.revalidated:
        operation["responses"]["304"] = {
            "description": "It is what If-None-Match names.",
            "headers": {"ETag": _header(_ETAG)},
        }
    for status, when in sorted({**_usual(one), **one.refusals}.items()):
        if str(status) in operation["responses"]:
            continue
        operation["responses"][str(status)] = {
            "description": when,
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
    return operation


def _usual(one: Endpoint[Any, Any]) -> Mapping[int, str]:
    """What every endpoint of its kind may refuse."""
    usual = {
        415: "The body is compressed.",
        503: "The catalog, the storage or the keys are away: try again after `Retry-After`.",
    }
    places = {place for _, _, place in one.places}
    if one.access is Access.LISTENER:
        usual |= {
            401: "There is no access token, or one that is not valid or has expired.",
            403: "The token does not allow it; `reason` says why.",
        }
    if Place.PATH in places:
        usual[404] = "There is no such thing, or not for listeners now."
    if places - {Place.PATH} or one.sparse is not None or one.has_body:
        usual[400] = "A parameter or the body is not as described; `errors` says which."
    if one.has_body:
        usual[413] = "The body is too large."
    if one.is_counted:
        usual[429] = "Too many requests; `Retry-After` says when there may be more."
    if one.revalidated:
        usual[412] = "It is not what If-Match names."
    return usual


def _parameters(one: Endpoint[Any, Any]) -> Iterator[Document]:
    schema = one.params.model_json_schema(mode="validation", ref_template=_REFS)
    for name, called, place in one.places:
        about = dict(schema["properties"][name])
        about = schema.get("$defs", {}).get(about.pop("$ref", "").rpartition("/")[2], {}) | about
        about = _without_null(about)
        about.pop("title", None)
        found: Document = {"name": called, "in": place.value}
        if description := about.pop("description", None):
            found["description"] = description
        found["schema"] = about
        if place is Place.PATH or name in schema.get("required", ()):
            found["required"] = True
        yield found
    if one.sparse is not None:
        names = {"type": "string", "enum": list(one.sparse.model_fields)}
        yield {
            "name": "fields",
            "in": Place.QUERY.value,
            "description": f"Only these fields of each item; `{one.sparse.identity}` is always "
            "there.",
            "schema": {"type": "array", "items": names, "minItems": 1},
            "style": "form",
            "explode": False,
        }


def _without_null(schema: Document) -> Document:
    """A parameter that is not given is not null: it is not there."""
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name != "anyOf"}
    if kept.get("default", ...) is None:
        del kept["default"]
    if not options:
        return kept
    return {**kept, **options[0]} if len(options) == 1 else {**kept, "anyOf": options}


def _answer(one: Endpoint[Any, Any], answer: Answer, schemas: _Schemas) -> Document:
    found: Document = {"description": answer.description}
    described = {**(_RATE if one.is_counted else {}), **answer.headers}
    if one.revalidated:
        described["ETag"] = _ETAG
    if described:
        found["headers"] = {name: _header(text) for name, text in described.items()}
    if answer.model is not None:
        schema = schemas[answer.model, "serialization"]
        found["content"] = {answer.media_type: {"schema": schema}}
    elif answer.media_type != "application/json":
        found["content"] = {answer.media_type: {}}
    return found


def _header(description: str) -> Document:
    return {"description": description, "schema": {"type": "string"}}
