"""Types of parameters and bodies, and what a model of them is made from."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


class Model(BaseModel):
    """A frozen value at the edge: parameters, a body, or an answer."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Params(Model):
    """The parameters of an endpoint: each field is in the path, the query, or (`Header`) a header.

    A field whose name stands in braces in the path is a part of it. What is in the query and not
    here is ignored.
    """


class Body(Model):
    """A JSON body; keys that it has not are refused."""

    model_config = ConfigDict(extra="forbid")


class NoBody(Model):
    """Of a request that has none."""


class Header:
    """Marks a parameter that is a header field: `Annotated[int, Header("Upload-Offset")]`."""

    def __init__(self, name: str) -> None:
        self.name = name


class Item(Model):
    """Something of which a caller may want a few fields only; its first field is always there."""

    identity: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Find the field that names it."""
        cls.identity = next(iter(cls.model_fields), "")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Require only what is there whatever a caller chooses."""
        made = handler(core_schema)
        handler.resolve_ref_schema(made)["required"] = [cls.identity]
        return made


class Page(Model):
    """An answer that lists items: those of its first field."""


def _whole(value: object) -> object:
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):  # pydantic would take "1_0" and " 1 ", too
            raise PydanticCustomError("whole", "a whole number, in digits")
        return int(value)
    return value


DIGITS = BeforeValidator(_whole)  # of a whole number; after the bounds, which it hides otherwise
TrackId = Annotated[str, Field(pattern=r"^t[a-z2-7]{20}$", examples=["taaaaaaaaaaaaaaaaaaaa"])]
ReleaseId = Annotated[str, Field(pattern=r"^r[a-z2-7]{20}$", examples=["raaaaaaaaaaaaaaaaaaaa"])]
SessionName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{12}$",
        description="A stream of the listener's account: 12 characters of base64url, of the "
        "player's choice. Whatever it plays under one name counts as one stream.",
    ),
]
