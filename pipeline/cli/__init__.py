"""The `headwater` command: one module for each command, loaded when it is called.

`compose` turns settings into what a command works with; `output` turns results and errors into
text. Expected errors end in one line on stderr and exit code 1 (it failed) or 2 (it was asked
for wrongly); a traceback is shown with -vv only.
"""

from __future__ import annotations

import importlib
import logging
import resource
import traceback
from collections.abc import Mapping
from pathlib import Path

import click

from configs.telemetry import logs
from pipeline.cli.compose import Invocation
from pipeline.cli.output import failure_of

__all__ = ["main"]

_COMMANDS: Mapping[str, str] = {
    "ingest": "pipeline.cli.ingest:ingest_command",
    "jobs": "pipeline.cli.jobs:jobs_group",
    "worker": "pipeline.cli.worker:worker_command",
    "serve": "pipeline.cli.serve:serve_command",
    "play": "pipeline.cli.play:play_command",
    "token": "pipeline.cli.token:token_group",
    "track": "pipeline.cli.track:track_group",
    "names": "pipeline.cli.names:names_command",
    "popularity": "pipeline.cli.popularity:popularity_group",
    "package": "pipeline.cli.package:package_command",
    "dump": "pipeline.cli.dump:dump_command",
    "check": "pipeline.cli.check:check_command",
    "keys": "pipeline.cli.keys:keys_group",
    "audit": "pipeline.cli.audit:audit_group",
    "db": "pipeline.cli.db:db_group",
    "verify": "pipeline.cli.verify:verify_command",
    "gc": "pipeline.cli.gc:gc_command",
    "takedown": "pipeline.cli.takedown:takedown_command",
    "doctor": "pipeline.cli.doctor:doctor_command",
    "plan": "pipeline.cli.plan:plan_command",
    "storage": "pipeline.cli.storage:storage_group",
    "config": "pipeline.cli.config:config_group",
    "version": "pipeline.cli.version:version_command",
}
# Ours only: what libraries say at DEBUG is nobody's help and may hold what should not be shown.
_LOGGERS = ("headwater", "catalog", "drm", "origin", "pipeline", "storage", "configs.telemetry")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class HeadwaterGroup(click.Group):
    """The one place where a command's module is imported and where its errors end."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in the order of the work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the command's module; None if there is no such command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; turn what goes wrong into a line and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click's own ways to end
        except Exception as exc:
            if ctx.params["verbose"] >= 2:
                traceback.print_exc()
            raise failure_of(exc) from exc


@click.group(
    cls=HeadwaterGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML).  [env var: HEADWATER_CONFIG]",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the catalog, the storage and the keys.  [env var: HEADWATER_HOME; default: "
    "./.headwater]",
)
@click.option("-v", "--verbose", count=True, help="Log more; -vv adds tracebacks.")
@click.version_option(package_name="headwater", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, config: Path | None, home: Path | None, verbose: int) -> None:
    """From the studio master to the listener's player.

    \b
    headwater ingest ~/masters          encode, package, encrypt and publish an album
    headwater serve                     stream it
    """  # noqa: D301 - click wants a real backspace
    # Keys are in our memory: a crash must not write it to a disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logs.set_up()
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(_LEVELS[min(verbose, 2)])
    ctx.obj = Invocation(config, home, verbose)
