"""`headwater storage`: whether objects can rest where the settings say; a bucket's rules."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import click

from configs.settings import Settings
from pipeline.cli.compose import Invocation, pass_invocation
from pipeline.cli.output import Failure, write_json
from storage import bucket_rules
from storage.base import ObjectStore, StorageError
from storage.bucket_store import BucketStore
from storage.open import Role, open_store
from storage.probe import probe

_LOG = logging.getLogger(__name__)


async def require_store(store: ObjectStore, *, patient: bool = False) -> None:
    """Ask a bucket once, before work that would end in vain; StorageError says what is wrong.

    With `patient` what may pass is only logged: an origin starts, and is not ready.
    """
    if not isinstance(store, BucketStore):
        return
    try:
        await store.check()
    except StorageError as exc:
        if not (patient and exc.transient):
            raise
        _LOG.warning("storage: %s", exc)


@click.group("storage")
def storage_group() -> None:
    """Look after the place where objects rest."""


@storage_group.command("check")
@pass_invocation
def check_command(invocation: Invocation) -> None:
    """Try the storage of the settings with one small object. Write, read, list and delete it.

    Fails with one line where the address, the credentials, the bucket, the clock or the encryption
    at rest are wrong, or where a server overwrites what it should not.

    \b
    headwater storage check
    """  # noqa: D301 - click wants a real backspace
    asyncio.run(_check(invocation.load().settings))


@storage_group.command("rules")
@click.option("--apply", "is_applied", is_flag=True, help="Set the lifecycle rules on the bucket.")
@click.option(
    "--cors-origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Whose pages may read the bucket; repeatable.  [default: *]",
)
@pass_invocation
def rules_command(invocation: Invocation, *, is_applied: bool, origins: tuple[str, ...]) -> None:
    """Print the rules that a bucket should have. They are as `aws s3api` takes them.

    Lifecycle: what killed processes leave (unfinished uploads, claims) goes after two days. CORS:
    players in a browser may read packages that are not encrypted without the origin.

    \b
    headwater storage rules --apply
    """  # noqa: D301 - click wants a real backspace
    settings = invocation.load().settings
    _require_bucket(settings)
    prefix = f"{settings.storage.prefix}/" if settings.storage.prefix else ""
    lifecycle = bucket_rules.lifecycle(prefix)
    if is_applied:
        asyncio.run(_apply(settings, lifecycle))
    cors = bucket_rules.cors(origins or ("*",))
    write_json({"lifecycle": {"Rules": lifecycle}, "cors": {"CORSRules": cors}})


@storage_group.command("url")
@click.argument("key")
@click.option(
    "--ttl",
    "ttl_s",
    type=click.IntRange(1, 7 * 86400),
    default=3600,
    show_default=True,
    help="How long it is good, seconds.",
)
@pass_invocation
def url_command(invocation: Invocation, *, key: str, ttl_s: int) -> None:
    """Print a presigned URL of one object in the bucket. KEY is without the storage's prefix.

    Whoever has the URL can read the object until it expires; nobody can take it back before.

    \b
    headwater storage url covers/0123...cdef.jpg --ttl 600
    """  # noqa: D301 - click wants a real backspace
    click.echo(asyncio.run(_url(invocation.load().settings, key, timedelta(seconds=ttl_s))))


async def _url(settings: Settings, key: str, ttl: timedelta) -> str:
    _require_bucket(settings)
    store = open_store(settings, Role.PIPELINE)
    try:
        url: str = await store.presign(key, ttl)  # type: ignore[attr-defined]  # a bucket's
    finally:
        await store.close()
    return url


def _require_bucket(settings: Settings) -> None:
    if settings.storage.kind != "s3":
        raise Failure("storage: a folder has no rules and no URLs (set storage.kind to s3)")


async def _check(settings: Settings) -> None:
    for role in Role:  # each works with a client of its own
        store = open_store(settings, role)
        try:
            await require_store(store)
            place = store.locate("x")[:-1]
            async for kept in probe(store):
                click.echo(f"{place} ({role.name.lower()}): {kept}")
        finally:
            await store.close()


async def _apply(settings: Settings, rules: list[dict[str, object]]) -> None:
    store = open_store(settings, Role.ORIGIN)
    try:
        await store.set_lifecycle(rules)  # type: ignore[attr-defined]  # a bucket's, by its kind
    finally:
        await store.close()
