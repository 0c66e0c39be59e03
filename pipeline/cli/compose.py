"""The composition root: settings become a store, a catalog, keys and tokens, and close again.

Nothing else in the house looks for its dependencies: a command opens what it needs here and
passes it on. HOME and the files of secrets in it are made on first use.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from catalog import audit as audit_rows
from catalog.engine import Catalog
from catalog.errors import NotFound
from catalog.postgresql import PoolOptions
from configs import paths
from configs.ladder import Ladder, check_subscriptions, load_ladder
from configs.loading import Loaded, load_settings
from configs.settings import CatalogSettings, DrmSettings, KeySystemSettings, Settings
from configs.telemetry import logs
from drm.access_token import AccessTokens
from drm.audit import Audit, AuditKeyUnavailable, AuditLog, Auditor, NoAudit, open_key
from drm.keyring import Keyring
from drm.playback_token import PlaybackTokens
from drm.tiers import Tiers
from drm.token_keys import TokenKeys, open_cat_keys
from packager.systems import KeySystems
from pipeline.cli.keks import open_keyring
from pipeline.cli.output import Failure
from storage.base import ObjectStore
from storage.local import LocalStore
from storage.open import Role, open_store

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What stood on the command line before the command; each command gets it as `ctx.obj`."""

    config: Path | None
    home: Path | None
    verbosity: int

    def load(self, flags: Mapping[str, object] | None = None) -> Loaded:
        """Merge the settings; `flags` are a command's own, by dotted key, None where not given.

        From then on the log is written as they say. ConfigError when any of them is wrong.
        """
        given = {"home": self.home, **(flags or {})}
        present = {key: value for key, value in given.items() if value is not None}
        loaded = load_settings(self.config, os.environ, present)
        logs.set_up(loaded.settings.monitoring.log)
        return loaded


pass_invocation = click.make_pass_decorator(Invocation)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Both kinds of token, with the secrets of this HOME."""

    playback: PlaybackTokens
    access: AccessTokens


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything an ingest or an origin works with."""

    settings: Settings
    store: ObjectStore
    catalog: Catalog
    keyring: Keyring
    audit: Audit
    tiers: Tiers
    ladder: Ladder
    playback_tokens: PlaybackTokens
    access_tokens: AccessTokens


@asynccontextmanager
async def open_deps(
    settings: Settings, *, replica: bool = False, role: Role = Role.PIPELINE
) -> AsyncIterator[Deps]:
    """Open all of it; everything is closed at the end, whatever happens in between.

    With `replica` what only reads the catalog may use the one that settings name.
    """
    ladder = load_ladder(settings.ingest.ladder)
    tiers = make_tiers(settings, ladder)
    async with open_catalog(settings, make=True, replica=replica) as catalog:
        tokens = open_tokens(settings)
        store = open_store(settings, role)
        try:
            async with (
                open_keyring(settings, catalog) as keyring,
                open_audit(settings, catalog) as audit,
            ):
                yield Deps(
                    settings=settings,
                    store=store,
                    catalog=catalog,
                    keyring=keyring,
                    audit=audit,
                    tiers=tiers,
                    ladder=ladder,
                    playback_tokens=tokens.playback,
                    access_tokens=tokens.access,
                )
        finally:
            await store.close()


def run_task(
    invocation: Invocation, command: str, task: Callable[[Deps, Auditor], Awaitable[_T]]
) -> _T:
    """Run a command's work with all that it needs, in a HOME that has a catalog already."""
    settings = invocation.load().settings

    async def run() -> _T:
        async with open_catalog(settings):
            pass  # Failure: nothing is made in the wrong folder
        async with open_deps(settings) as deps:
            return await task(deps, Auditor(deps.audit, operator(), f"headwater {command}"))

    return asyncio.run(run())


@asynccontextmanager
async def open_catalog(
    settings: Settings, *, make: bool = False, replica: bool = False
) -> AsyncIterator[Catalog]:
    """Open only the catalog, for commands that need no keys and no media.

    Unless `make`, one that is not there is a Failure: HOME would be the wrong folder.
    """
    if make:
        make_home(settings)
    try:
        catalog = await Catalog.open(
            paths.catalog_url(settings),
            migrate=make,
            replica_url=settings.catalog.replica_url if replica else None,
            pool=pool_options(settings.catalog),
        )
    except NotFound as exc:
        remedy = "ingest something first, or name another --home"
        raise Failure(f"{settings.home}: no catalog here ({remedy})") from exc
    try:
        yield catalog
    finally:
        await catalog.close()


def pool_options(settings: CatalogSettings) -> PoolOptions:
    """The connections to a PostgreSQL server."""
    return PoolOptions(
        connections=settings.connections,
        connect_timeout_s=settings.connect_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
    )


@asynccontextmanager
async def open_audit(settings: Settings, catalog: Catalog) -> AsyncIterator[Audit]:
    """Open the audit that the settings want; what waits in it is written at the end."""
    if settings.drm.audit == "off":
        yield NoAudit()
        return
    path = paths.audit_file(settings)
    if not path.exists():
        async with catalog.connect() as tx:
            is_needed = await audit_rows.last_chain(tx) is not None
        if is_needed and not path.exists():  # else another process has just made and used it
            problem = "the audit's key is missing, and the catalog holds entries that it seals"
            raise AuditKeyUnavailable(path, problem, "restore it from a backup")
    key = open_key(path, create=True)
    log = AuditLog(catalog, key, required=settings.drm.audit == "required")
    try:
        yield log
    finally:
        await log.close()


def operator() -> str:
    """Who gives a command, as the audit names them: user and machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        user = str(os.getuid())
    return f"operator:{user}@{socket.gethostname()}"


def open_tokens(settings: Settings) -> Tokens:
    """Open the tokens of this HOME; their secrets are made on first use."""
    make_home(settings)
    token_keys = TokenKeys.open(paths.token_file(settings), create=True)
    return Tokens(
        _playback_tokens(settings.drm, token_keys),
        AccessTokens(token_keys.access, issuer=settings.drm.issuer, audience=settings.drm.audience),
    )


def reload_tokens(settings: Settings, tokens: Tokens) -> None:
    """Read the secrets of tokens again; SecretUnavailable where the files cannot be used."""
    token_keys = TokenKeys.open(paths.token_file(settings), create=False)
    if settings.drm.cat_file is not None:
        from drm.common_access_token import EitherPlaybackTokens  # noqa: PLC0415 - as below

        assert isinstance(tokens.playback, EitherPlaybackTokens)  # noqa: S101 - as it was made
        tokens.playback.use_cats(open_cat_keys(settings.drm.cat_file))
    tokens.playback.use(token_keys.playback)
    tokens.access.use(token_keys.access)


def token_files(settings: Settings) -> tuple[Path, ...]:
    """Where the secrets of tokens rest."""
    files = (paths.token_file(settings), settings.drm.cat_file)
    return tuple(one for one in files if one is not None)


def _playback_tokens(settings: DrmSettings, keys: TokenKeys) -> PlaybackTokens:
    if settings.cat_file is None:
        return PlaybackTokens(keys.playback)
    from drm.common_access_token import (  # noqa: PLC0415 - cbor2 is rarely needed
        CommonAccessTokens,
        EitherPlaybackTokens,
    )

    cats = CommonAccessTokens(
        open_cat_keys(settings.cat_file), issuer=settings.issuer, audience=settings.audience
    )
    return EitherPlaybackTokens(keys.playback, cats, issue_cats=settings.playback_form == "cat")


def make_tiers(settings: Settings, ladder: Ladder) -> Tiers:
    """Join the ladder's tiers and the subscriptions; ConfigError if they disagree."""
    check_subscriptions(ladder, settings.drm.subscriptions)
    return Tiers(ladder.tiers, settings.drm.subscriptions)


def key_systems(settings: KeySystemSettings) -> KeySystems:
    """What manifests and track files say of other vendors' key systems."""
    return KeySystems(
        widevine=settings.widevine,
        playready=settings.playready,
        fairplay=settings.fairplay,
        widevine_provider=settings.widevine_provider,
        playready_la_url=settings.playready_la_url,
    )


def cold_store(settings: Settings) -> ObjectStore | None:
    """Where the archive moves masters; None where the settings name no such place."""
    path = settings.ingest.archive_path
    return None if path is None else LocalStore(path)


def make_home(settings: Settings) -> None:
    """Make HOME, for its owner only: the catalog and the secrets are in it."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
