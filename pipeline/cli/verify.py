"""`headwater verify`: whether everything is there that was published."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from drm.audit import Auditor
from pipeline.cli.compose import Deps, Invocation, cold_store, pass_invocation, run_task
from pipeline.cli.key_tasks import track_id_of
from pipeline.cli.output import FAILED, printable, write_json
from pipeline.housekeeping.inspection import Inspector, Problem
from pipeline.housekeeping.verify import Position, Verifier


@click.command("verify")
@click.option("--track", help="Only this TRACK: id, ISRC or exact title.")
@click.option("--sample", type=click.IntRange(min=1), help="So many revisions, drawn at random.")
@click.option("--sizes", is_flag=True, help="Compare lengths, and hash nothing.")
@click.option("--parallel", type=click.IntRange(1, 64), default=4, help="Revisions side by side.")
@click.option("--resume", is_flag=True, help="Go on where the last whole run was interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, the summary last.")
@pass_invocation
def verify_command(
    invocation: Invocation,
    *,
    track: str | None,
    sample: int | None,
    sizes: bool,
    parallel: int,
    resume: bool,
    as_json: bool,
) -> None:
    """Compare the storage with what was published. Open every key.

    Every object is there, as long as it was and with the same hash; every range that a manifest
    names is inside its file; every key opens. It changes nothing. Ends with 0 if all is well,
    with 1 if anything is not.

    \b
    headwater verify
    headwater verify --track "First Light" --json
    headwater verify --sample 1000 --sizes
    """  # noqa: D301 - click wants a real backspace
    if sum((track is not None, sample is not None, resume)) > 1:
        raise click.UsageError("--track, --sample and --resume exclude each other")

    async def task(deps: Deps, _: Auditor) -> Position:
        kept = _Kept(deps.settings.home / "verify.json")
        verifier = Verifier(
            deps.catalog,
            Inspector(deps.store, deps.keyring, hashes=not sizes),
            cold_store(deps.settings),
            parallel,
            on_problem=lambda problem: _show(problem, as_json=as_json),
            on_page=kept.keep,
        )
        if track is not None:
            return await verifier.track(await track_id_of(deps.catalog, track) or "")
        if sample is not None:
            return await verifier.sample(sample)
        done = await verifier.everything(kept.read() if resume else Position())
        kept.forget()
        return done

    _summarize(run_task(invocation, "verify", task), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where an interrupted run is told from."""

    path: Path

    def keep(self, position: Position) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(asdict(position)))
        new.replace(self.path)

    def read(self) -> Position:
        """The position; the beginning where nothing was interrupted."""
        try:
            values = json.loads(self.path.read_text())
            return Position(**{**values, "after": (values["after"][0], values["after"][1])})
        except FileNotFoundError:
            return Position()
        except (ValueError, KeyError, TypeError, IndexError):
            raise click.UsageError(f"{self.path} is damaged: run without --resume") from None

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def _show(problem: Problem, *, as_json: bool) -> None:
    if as_json:
        write_json({"type": "problem", **asdict(problem)})
    else:
        click.echo(printable(f"{problem.where}: {problem.what} ({problem.remedy})"))


def _summarize(done: Position, *, as_json: bool) -> None:
    if as_json:
        counts = asdict(done)
        del counts["after"]
        write_json({"type": "summary", **counts})
    else:
        click.echo(
            f"{done.revisions} revisions, {done.objects} objects, {done.bytes / 1e6:.1f} MB hashed,"
            f" {done.keys} keys opened: {done.problems or 'no'} problems",
            err=True,
        )
    if done.problems:
        raise click.exceptions.Exit(FAILED)
