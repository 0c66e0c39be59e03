"""`headwater serve`: the origin, until it is told to end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from configs.settings import Settings
from drm.errors import SecretUnavailable
from origin.geoip import GeoIp, GeoIpUnavailable
from origin.listening import ServeError
from origin.reloading import NotReloaded, Reload
from origin.server import say_ready, serve
from origin.state import OriginDeps
from origin.workers import WorkersFailed
from pipeline.cli.compose import (
    Invocation,
    Tokens,
    key_systems,
    open_deps,
    pass_invocation,
    reload_tokens,
    token_files,
)
from pipeline.cli.embedded import Executor, embedded_executor
from pipeline.cli.identity import open_provider_tokens
from pipeline.cli.license_servers import open_license_servers
from pipeline.cli.output import Failure
from pipeline.cli.redis import open_redis
from pipeline.cli.speke import open_recipients
from pipeline.cli.storage import require_store
from pipeline.cli.traces import traces
from pipeline.cli.uploads import make_uploads
from storage.open import Role


@click.command("serve")
@click.option("--host", help="Address to listen on.  [default: origin.host]")
@click.option("--port", type=int, help="Port; 0 is any free one.  [default: origin.port]")
@click.option("--workers", type=int, help="Processes that share it.  [default: origin.workers]")
@click.option(
    "--public-url", metavar="URL", help="How listeners reach it.  [default: origin.public_url]"
)
@click.option(
    "--tls-certificate",
    type=click.Path(path_type=Path),
    help="PEM file.  [default: origin.tls_certificate]",
)
@click.option(
    "--tls-key", type=click.Path(path_type=Path), help="PEM file.  [default: origin.tls_key]"
)
@click.option(
    "--executor/--no-executor",
    "embedded",
    default=None,
    help="Whether it does the jobs of uploads, too.  [default: jobs.embedded]",
)
@pass_invocation
def serve_command(
    invocation: Invocation, /, *, embedded: bool | None, **flags: str | int | Path | None
) -> None:
    """Stream the catalog: player page, API, media, licenses. Take uploads in.

    Prints the address on stderr once it answers. Ends gracefully on SIGTERM or Ctrl-C: running
    answers are finished first. -v logs every request.

    headwater serve --host 0.0.0.0 --workers 4
    """
    given: dict[str, object] = {f"origin.{name}": value for name, value in flags.items()}
    given["jobs.embedded"] = embedded
    settings = invocation.load(given).settings

    try:
        if settings.origin.geoip_file is not None:  # said here, once, and not by each worker
            GeoIp(settings.origin.geoip_file).close()
        with embedded_executor(settings) as executor:

            def announce(url: str) -> None:
                say_ready(url)
                executor.begin()

            serve(settings.origin, lambda: _open(settings, executor), announce, settings.monitoring)
    except (GeoIpUnavailable, ServeError, WorkersFailed) as exc:
        raise Failure(f"serve: {exc}") from exc


@asynccontextmanager
async def _open(settings: Settings, executor: Executor) -> AsyncIterator[OriginDeps]:
    """Open what one worker works with; each worker has its own."""
    async with (
        traces(settings.monitoring, "headwater serve"),
        open_deps(settings, replica=True, role=Role.ORIGIN) as deps,
        open_provider_tokens(settings.identity) as provider_tokens,
        open_license_servers(settings.licenses) as licenses,
        open_redis(settings.api.redis_url) as redis,
    ):
        await require_store(deps.store, patient=True)
        yield OriginDeps(
            read_ahead=_read_ahead(settings),
            store=deps.store,
            catalog=deps.catalog,
            keyring=deps.keyring,
            audit=deps.audit,
            playback_tokens=deps.playback_tokens,
            access_tokens=deps.access_tokens,
            tiers=deps.tiers,
            settings=settings.origin,
            playback_ttl_s=settings.drm.playback_ttl_s,
            key_systems=key_systems(settings.drm.systems),
            downloads=settings.ingest.progressive != "none",
            tenant=settings.tenant,
            recipients=open_recipients(settings.drm),
            provider_tokens=provider_tokens,
            own_tokens=settings.identity.own_tokens,
            licenses=licenses,
            streams=settings.drm.streams,
            stream_ttl_s=settings.drm.stream_ttl_s,
            offline=settings.drm.offline,
            monitoring=settings.monitoring,
            reloads=(_token_reload(settings, Tokens(deps.playback_tokens, deps.access_tokens)),),
            uploads=await make_uploads(settings, deps.catalog),
            api=settings.api,
            redis=redis,
            figures=executor.figures,
        )


def _token_reload(settings: Settings, tokens: Tokens) -> Reload:
    def load() -> None:
        try:
            reload_tokens(settings, tokens)
        except SecretUnavailable as exc:
            raise NotReloaded(str(exc)) from exc

    return Reload("token keys", token_files(settings), load)


def _read_ahead(settings: Settings) -> int:
    """How many segments: one of a bucket; a folder's are read ahead by the system."""
    if settings.origin.read_ahead is not None:
        return settings.origin.read_ahead
    return 1 if settings.storage.kind == "s3" else 0
