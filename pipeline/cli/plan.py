"""`headwater plan`: how much of everything a service needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from configs.ladder import load_ladder
from configs.planning import load_planning
from pipeline.cli.compose import Invocation, pass_invocation
from pipeline.cli.output import write_json, write_table
from pipeline.planning.capacity import Wanted, plan
from pipeline.planning.constants import measured_here
from pipeline.planning.report import html, rows

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_TB = 1e12


class _Count(click.ParamType):  # type: ignore[type-arg]  # generic in stubs only
    """A whole number, which may be written 30e6."""

    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read it; click's own failure where it is none, or below zero."""
        try:
            number = float(str(value))
        except ValueError:
            number = -1.0
        if not 0 <= number < 1e15 or number != int(number):
            self.fail(f"{value!r} is not a number like 30000000 or 30e6", param, ctx)
        return int(number)


@click.command("plan")
@click.option("--songs", type=_Count(), required=True, help="Songs in the catalog, like 30e6.")
@click.option(
    "--daily", type=_Count(), default="1000", show_default=True, help="New songs each day."
)
@click.option(
    "--streams",
    type=_Count(),
    default="10000",
    show_default=True,
    help="Listeners at once, at the peak.",
)
@click.option(
    "--cache-tb",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Terabytes of cache at each CDN edge.",
)
@click.option(
    "--reencode-days",
    type=click.FloatRange(0.1),
    default=30.0,
    show_default=True,
    help="In how many days all songs are to be encoded again.",
)
@click.option("--archive", is_flag=True, help="The masters are kept, too.")
@click.option("--assumptions", type=_FILE, help="YAML: constants, assumptions, prices.")
@click.option("--bench", type=_FILE, multiple=True, help="JSON of scripts/bench/... --json.")
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a report with plots.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_invocation
def plan_command(  # noqa: PLR0913 - one for each option
    invocation: Invocation,
    *,
    songs: int,
    daily: int,
    streams: int,
    cache_tb: float,
    reencode_days: float,
    archive: bool,
    assumptions: Path | None,
    bench: tuple[Path, ...],
    html_file: Path | None,
    as_json: bool,
) -> None:
    """Reckon what a service takes, from storage to money. Objects, requests, bandwidth, cores.

    From the ladder and settings in force, from constants that the benchmarks measure, and from
    assumptions and prices of a file that you can copy and change (see docs/planning.md).

    \b
    headwater plan --songs 30e6 --daily 10000 --streams 50000 --html plan.html
    scripts/bench/origin --json > origin.json
    headwater plan --songs 2e6 --bench origin.json --json
    """  # noqa: D301 - click wants a real backspace
    if songs < 1:
        raise click.UsageError("--songs has to be 1 at least")
    settings = invocation.load().settings.ingest
    ladder = load_ladder(settings.ladder)
    planning = load_planning(assumptions)
    measured, here = measured_here(planning.measured, bench)
    planning = planning.model_copy(update={"measured": measured})
    wanted = Wanted(
        songs=songs,
        daily=daily,
        streams=streams,
        cache_bytes=cache_tb * _TB,
        reencode_days=reencode_days,
        segment_s=settings.segment_s,
        with_aes128=settings.aes128 and settings.scheme != "clear",
        archive=archive or settings.archive in {"keep", "tier"},
    )
    capacity = plan(wanted, ladder, planning)
    if html_file is not None:
        html_file.write_text(html(wanted, capacity, planning, ladder, here), encoding="utf-8")
    if as_json:
        write_json({"wanted": asdict(wanted), "needed": asdict(capacity), "measured_here": here})
        return
    for title, found in rows(wanted, capacity, planning):
        click.echo(f"{title}")
        write_table((f"  {what}", value, how) for what, value, how in found)
    if html_file is not None:
        click.echo(f"{html_file}", err=True)
