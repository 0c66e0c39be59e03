"""`headwater config`: what the settings are, and where each came from."""

from __future__ import annotations

from collections.abc import Iterator

import click

from configs.masking import shown
from configs.settings import Section
from pipeline.cli.compose import Invocation, pass_invocation
from pipeline.cli.output import write_json, write_table


@click.group("config")
def config_group() -> None:
    """Look at the settings."""


@config_group.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_invocation
def show_command(invocation: Invocation, *, as_json: bool) -> None:
    """Print every setting with its value and its source.

    Keys and signing secrets are never settings, they rest in files of their own; a password in
    a URL is masked.

    \b
    HEADWATER_ORIGIN__PORT=9000 headwater config show
    """  # noqa: D301 - click wants a real backspace
    loaded = invocation.load()
    values = dict(_flat(loaded.settings))
    sources = {key: loaded.sources.get(key, "default") for key in values}
    if as_json:
        write_json({key: {"value": values[key], "source": sources[key]} for key in values})
    else:
        write_table((key, _text(value), sources[key]) for key, value in values.items())


def _flat(section: Section, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield each setting by its dotted key, with a value that JSON can say."""
    plain = section.model_dump(mode="json")
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            key = f"{prefix}{name}"
            yield key, shown(key, plain[name])


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_text(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
