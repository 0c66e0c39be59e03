"""Settings -> the keyring: which KEKs there are, and what each needs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from catalog import keys
from catalog.engine import Catalog
from configs import paths
from configs.settings import DrmSettings, Settings
from drm import secret_file
from drm.errors import KekUnavailable
from drm.http_client import HttpClient
from drm.kek import KekProvider, LocalKek
from drm.kek_env import EnvKek
from drm.kek_set import KekSet
from drm.kek_vault import VaultKek
from drm.key_cache import KeyCache
from drm.keyring import Keyring
from drm.wrap_budget import WrapBudget

_REMOTE = frozenset({"aws", "vault"})
_VAULT_TOKEN = "VAULT_TOKEN"  # noqa: S105 - the variable's name, as Vault's own tools have it


@asynccontextmanager
async def open_keyring(settings: Settings, catalog: Catalog) -> AsyncIterator[Keyring]:
    """Open the KEKs of the settings. A local one is made on first use."""
    drm = settings.drm
    async with AsyncExitStack() as stack:
        places = dict.fromkeys((drm.kek_provider, *drm.kek_older_providers))
        found: list[KekProvider] = []
        for place in places:
            found += await _open(place, settings, catalog, stack)
        current, *older = found
        kek: KekProvider = KekSet(current, older) if older else current
        cache = KeyCache() if _REMOTE & places.keys() else None
        yield Keyring(kek, budget=WrapBudget(catalog), cache=cache)


async def _open(
    place: str, settings: Settings, catalog: Catalog, stack: AsyncExitStack
) -> list[KekProvider]:
    drm = settings.drm
    if place == "local":
        return [await _open_local(paths.kek_file(settings), catalog)]
    if place == "env":
        return [EnvKek.parse(drm.kek_variable, os.environ.get(drm.kek_variable))]
    if place == "vault":
        from origin.outbound import OutboundClient  # noqa: PLC0415 - slow to load, rarely needed

        return [_vault(drm, await stack.enter_async_context(OutboundClient()))]
    return await _open_aws(drm, stack)


async def _open_local(path: Path, catalog: Catalog) -> LocalKek:
    """Open the KEK; made on first use, but never in place of one that wrapped keys already."""
    if path.exists():
        return LocalKek.open(path, create=False)
    async with catalog.connect() as tx:
        is_needed = await keys.exist(tx)
    if is_needed and not path.exists():  # else another process has just made and used it
        problem = "the KEK is missing, and the catalog holds keys that only it opens"
        raise KekUnavailable(path, problem, "restore it from a backup")
    return LocalKek.open(path, create=True)


async def _open_aws(drm: DrmSettings, stack: AsyncExitStack) -> list[KekProvider]:
    try:
        from drm.kek_aws import AwsKek  # noqa: PLC0415 - needs an optional extra
    except ImportError as exc:
        problem = "drm.kek_provider is aws, and its library is not installed"
        raise KekUnavailable("aws", problem, "pip install 'headwater[aws]'") from exc
    return [
        await stack.enter_async_context(
            AwsKek.open(key, region=drm.kek_aws_region, endpoint=drm.kek_aws_endpoint)
        )
        for key in drm.kek_aws_keys
    ]


def _vault(drm: DrmSettings, client: HttpClient) -> VaultKek:
    assert drm.kek_vault_url is not None  # noqa: S101 - the settings' own check
    return VaultKek(
        client,
        drm.kek_vault_url,
        drm.kek_vault_key,
        _vault_token(drm.kek_vault_token_file),
        mount=drm.kek_vault_mount,
        namespace=drm.kek_vault_namespace,
    )


def _vault_token(path: Path | None) -> Callable[[], str]:
    """The token as it is now: agents renew the file."""

    def token() -> str:
        if path is not None:
            data = secret_file.read_private(path, KekUnavailable)
            text = data.decode("ascii", "replace").strip()
        else:
            text = os.environ.get(_VAULT_TOKEN, "")
        if not (text.isascii() and text.isprintable() and text):
            place = path or f"environment variable {_VAULT_TOKEN}"
            raise KekUnavailable(place, "holds no Vault token", "set drm.kek_vault_token_file")
        return text

    return token
