"""`headwater dump`: what is in an MP4 file."""

from __future__ import annotations

from pathlib import Path

import click

from packager import dump
from packager.errors import PackagerError
from pipeline.cli.output import Failure, printable, write_json


@click.command("dump")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, lists in full.")
def dump_command(file: Path, *, as_json: bool) -> None:
    """Print the boxes of an MP4 file. Type, offset, size (header+body), and their fields.

    What is broken is shown as far as it goes, with a line that begins with `!`. Media data is
    not read.

    \b
    headwater dump song.mp4
    headwater dump song.mp4 --json | jq '.boxes[].type'
    """  # noqa: D301 - click wants a real backspace
    with file.open("rb") as source:
        try:
            nodes = dump.dump(source)
        except PackagerError as exc:
            raise Failure(f"{file}: {exc}") from exc
        size = source.seek(0, 2)
    if as_json:
        boxes = [node.document() for node in nodes]
        write_json({"file": str(file), "size": size, "boxes": boxes})
        return
    for line in dump.text(nodes):
        click.echo(printable(line))
