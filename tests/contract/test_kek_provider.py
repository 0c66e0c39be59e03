"""What every provider of a KEK does: the same suite for all of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from drm.errors import KekRefused, KekUnavailable, WrongKek
from drm.kek import Kek, KekProvider, KekVersions, LocalKek
from drm.kek_aws import AwsKek
from drm.kek_env import EnvKek
from drm.kek_set import KekSet
from drm.kek_vault import VaultKek
from origin.outbound import OutboundClient
from tests.support.vault_server import TOKEN, VaultServer

PLAIN = bytes(range(16))


@pytest.fixture(scope="module")
def kms() -> Iterator[str]:
    """The URL of a KMS on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["local", "env", "set", "vault", "vault, derived", "aws"])
async def kek(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KekProvider]:
    kind: str = request.param
    if kind == "local":
        yield LocalKek.open(tmp_path / "kek.json", create=True)
    elif kind == "env":
        yield EnvKek.parse("KEK", json.dumps({"format": 1, **KekVersions.new().document()}))
    elif kind == "set":
        older = EnvKek.parse("KEK", "ab" * 32)
        yield KekSet(LocalKek.open(tmp_path / "kek.json", create=True), [older])
    elif kind == "aws":
        async with aws(request.getfixturevalue("kms"), monkeypatch) as provider:
            yield provider
    else:
        async with (
            VaultServer(derived="derived" in kind).running() as server,
            OutboundClient() as client,
        ):
            yield VaultKek(client, server.url, "headwater", lambda: TOKEN)


@asynccontextmanager
async def aws(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AwsKek]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.client("kms", region_name="eu-central-1", endpoint_url=url)
    key = client.create_key()["KeyMetadata"]["KeyId"]
    async with AwsKek.open(key, region="eu-central-1", endpoint=url) as provider:
        yield provider


async def test_what_is_wrapped_opens_again(kek: KekProvider) -> None:
    wrapped = await kek.wrap(PLAIN, b"about")
    assert wrapped.kek == await kek.current() == Kek(kek.id, 1)
    assert PLAIN not in wrapped.data
    assert await kek.unwrap(wrapped, b"about") == PLAIN


async def test_the_same_is_never_wrapped_alike(kek: KekProvider) -> None:
    one, other = await kek.wrap(PLAIN, b""), await kek.wrap(PLAIN, b"")
    assert (one.nonce, one.data) != (other.nonce, other.data)


async def test_it_opens_only_with_what_it_was_bound_to(kek: KekProvider) -> None:
    wrapped = await kek.wrap(PLAIN, b"about")
    for aad in (b"", b"abouT", b"about "):
        with pytest.raises(WrongKek):
            await kek.unwrap(wrapped, aad)


async def test_every_altered_byte_is_noticed(kek: KekProvider) -> None:
    wrapped = await kek.wrap(PLAIN, b"about")
    for at in range(0, len(wrapped.data), 7):
        data = bytearray(wrapped.data)
        data[at] ^= 4
        # moto's blobs begin with a key's name: altered, it says that there is no access to that.
        with pytest.raises((WrongKek, KekUnavailable)):
            await kek.unwrap(replace(wrapped, data=bytes(data)), b"about")


async def test_another_name_or_version_is_refused_by_name(kek: KekProvider) -> None:
    wrapped = await kek.wrap(PLAIN, b"about")
    for named in (Kek("other", 1), Kek(kek.id, 2)):
        with pytest.raises(WrongKek, match=f"KEK {named.id} version {named.version}"):
            await kek.unwrap(replace(wrapped, kek=named), b"about")


async def test_after_a_rotation_both_versions_open(kek: KekProvider) -> None:
    old = await kek.wrap(PLAIN, b"about")
    if isinstance(kek, EnvKek):
        with pytest.raises(KekRefused, match="cannot be changed from here"):
            await kek.rotate()
        return
    assert await kek.rotate() == await kek.current() == Kek(kek.id, 2)
    new = await kek.wrap(PLAIN, b"about")
    assert new.kek.version == 2
    assert await kek.versions() == (1, 2)
    assert await kek.unwrap(old, b"about") == await kek.unwrap(new, b"about") == PLAIN


async def test_a_retired_version_opens_nothing(kek: KekProvider) -> None:
    old = await kek.wrap(PLAIN, b"about")
    if isinstance(kek, (EnvKek, AwsKek)):
        with pytest.raises(KekRefused, match="version 1"):
            await kek.retire(1)
        return
    with pytest.raises(KekRefused, match="current"):
        await kek.retire(1)
    await kek.rotate()
    await kek.retire(1)
    assert await kek.versions() == (2,)
    with pytest.raises(WrongKek):
        await kek.unwrap(old, b"about")


async def test_repr_names_it_and_shows_no_key(kek: KekProvider) -> None:
    text = repr(kek)
    assert "KeK" in text or "Kek" in text
    assert TOKEN not in text
