"""`headwater version`: what runs here, for a report of a problem."""

from __future__ import annotations

import asyncio
import platform
from importlib.metadata import version

import click

from pipeline.cli.compose import Invocation, pass_invocation
from pipeline.cli.output import write_fields, write_json
from pipeline.errors import ToolMissing
from pipeline.ffmpeg.binaries import find_tools


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_invocation
def version_command(invocation: Invocation, *, as_json: bool) -> None:
    """Print the versions of Headwater, Python and ffmpeg. Of the ffmpeg that would be used.

    headwater version --json
    """
    settings = invocation.load().settings
    found: dict[str, object] = {
        "headwater": version("headwater"),
        "python": platform.python_version(),
    }
    try:
        tools = asyncio.run(find_tools(settings.ffmpeg))
    except ToolMissing as missing:  # what a report of a problem may well be about
        found["ffmpeg"] = f"none: {missing}"
    else:
        found["ffmpeg"] = f"{'.'.join(map(str, tools.version))} at {tools.ffmpeg}"
    if as_json:
        write_json(found)
    else:
        write_fields(found)
