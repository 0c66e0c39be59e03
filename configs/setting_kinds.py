"""The kinds of values that settings have."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

# A field's `description` says what is allowed in it, where its type does not say that well enough.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="a name like free_2")]


def _network(text: str) -> str:
    ip_network(text)  # its ValueError says what is wrong
    return text


def _not_a_bool(value: object) -> object:
    if isinstance(value, bool):  # pydantic would take `yes` for 1
        raise PydanticCustomError("number", "a number, not true or false")
    return value


def _not_empty(value: object) -> object:
    if isinstance(value, (str, Path)) and (str(value) == "" or "\0" in str(value)):
        raise PydanticCustomError("path", "a path")
    return value


def _not_a_setting(name: str) -> str:
    if name.startswith("HEADWATER_"):  # those are settings, and shown
        raise PydanticCustomError("variable", "a variable")
    return name


Variable = Annotated[
    str,
    Field(
        pattern=r"^[A-Z_][A-Z0-9_]{0,63}$",
        description="a variable's name like KEK_HEADWATER, not beginning with HEADWATER_",
    ),
    AfterValidator(_not_a_setting),
]
FilePath = Annotated[Path, BeforeValidator(_not_empty), Field(description="a path, not empty")]
Whole = Annotated[int, BeforeValidator(_not_a_bool)]
Number = Annotated[float, BeforeValidator(_not_a_bool)]
Bitrate = Annotated[
    int, BeforeValidator(_not_a_bool), Field(ge=32_000, le=320_000, description="32000 to 320000")
]
URL = r"^https?://[^/?#\s@]+(/[^?#\s]*)?$"
URL_WITH_QUERY = r"^https?://[^/?#\s@]+(/[^?#\s]*)?(\?[^#\s]*)?$"
A_URL = "a URL like https://vault.example.com:8200, without a password"
VAULT_PATH = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,7}$"
Network = Annotated[
    str, AfterValidator(_network), Field(description="a network like 10.0.0.0/8 or an address")
]


def is_safe(url: str) -> bool:
    """Whether what is sent there is sent over TLS, or stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in {"127.0.0.1", "::1", "localhost"}
