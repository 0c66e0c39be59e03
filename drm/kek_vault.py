"""A KEK in HashiCorp Vault's or OpenBao's transit engine: it never leaves the server.

The key's type must be one that binds associated data (aes256-gcm96, the default, or another AEAD);
of a derived key, what is bound is its context as well. Versions are Vault's own.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping

from drm.canonical import join
from drm.errors import KekAway, KekRefused, KekUnavailable, WrongKek
from drm.http_client import HttpAnswer, HttpClient, HttpFailed
from drm.kek import Kek, Wrapped

_TIMEOUT_S = 3.0
_TRIES = 3
_PAUSE_S = 0.1  # before the second try, twice that before the third; jittered
_VERSION_TTL_S = 60.0
_CIPHERTEXT = re.compile(r"vault:v(?P<version>[1-9][0-9]*):[A-Za-z0-9+/=]+")
_BUSY = frozenset({429, 472, 473, 500, 502, 503, 504})  # 472, 473: a standby node


class VaultKek:
    """One key of a transit engine, asked with a token that is read anew for each request."""

    def __init__(
        self,
        client: HttpClient,
        url: str,
        key: str,
        token: Callable[[], str],
        *,
        mount: str = "transit",
        namespace: str = "",
    ) -> None:
        self._client = client
        self._base = f"{url.rstrip('/')}/v1/{mount}"
        self._mount = mount
        self._key = key
        self._token = token
        self._namespace = namespace
        self._latest: tuple[int, float] | None = None  # version, when it was asked
        self._derived = False

    def __repr__(self) -> str:
        return f"VaultKek({self._base!r}, {self._key!r})"

    @property
    def id(self) -> str:
        """The key's path."""
        return f"vault:{self._mount}/{self._key}"

    async def current(self) -> Kek:
        """Name the latest version, as far as was asked in the last minute."""
        if self._latest is None or time.monotonic() - self._latest[1] > _VERSION_TTL_S:
            await self._describe()
        assert self._latest is not None  # noqa: S101 - that is what describing sets
        return Kek(self.id, self._latest[0])

    async def versions(self) -> tuple[int, ...]:
        """The versions that may decrypt."""
        about = await self._describe()
        latest, oldest = about.get("latest_version"), about.get("min_decryption_version", 1)
        if not isinstance(latest, int) or not isinstance(oldest, int):
            raise self._odd()
        return tuple(range(max(oldest, 1), latest + 1))

    async def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt in Vault, by the version that is bound."""
        kek = await self.current()
        body = {"plaintext": _b64(plain), "key_version": kek.version, **self._bound(aad, kek)}
        answer = await self._ask("POST", f"encrypt/{self._key}", body)
        text = answer.get("ciphertext")
        if not isinstance(text, str) or not _is_of(text, kek):
            raise self._odd()
        return Wrapped(kek, b"", text.encode("ascii"))

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt in Vault."""
        kek = wrapped.kek
        if kek.id != self.id:
            raise WrongKek(kek.id, kek.version, f"the KEK at hand is {self.id}")
        text = wrapped.data.decode("ascii", "replace")
        if wrapped.nonce or not _is_of(text, kek):
            raise WrongKek(kek.id, kek.version, "the row was altered: it is not what Vault wrote")
        if self._latest is None:  # whether the key is derived is not known yet
            await self._describe()
        body = {"ciphertext": text, **self._bound(aad, kek)}
        try:
            answer = await self._ask("POST", f"decrypt/{self._key}", body)
            return b64decode(str(answer.get("plaintext")), validate=True)
        except _Refused as exc:
            problem = f"it does not open: another KEK, or the row was altered ({exc})"
            raise WrongKek(kek.id, kek.version, problem) from None
        except ValueError:
            raise self._odd() from None

    async def rotate(self) -> Kek:
        """Rotate the key in Vault."""
        await self._ask("POST", f"keys/{self._key}/rotate", {})
        await self._describe()
        return await self.current()

    async def retire(self, version: int) -> None:
        """Let Vault decrypt by later versions only: a version goes with all that are older."""
        kek = await self.current()
        if version >= kek.version:
            raise KekRefused(f"version {version} is the current one (rotate first)")
        body = {"min_decryption_version": version + 1}
        await self._ask("POST", f"keys/{self._key}/config", body)

    async def _describe(self) -> Mapping[str, object]:
        about = await self._ask("GET", f"keys/{self._key}", None)
        latest = about.get("latest_version")
        if not isinstance(latest, int) or latest < 1:
            raise self._odd()
        self._latest = latest, time.monotonic()
        self._derived = about.get("derived") is True
        return about

    def _bound(self, aad: bytes, kek: Kek) -> dict[str, object]:
        text = _b64(join(aad, kek.id, kek.version))
        bound: dict[str, object] = {"associated_data": text}
        return bound | {"context": text} if self._derived else bound

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None
    ) -> Mapping[str, object]:
        """What Vault answers as `data`; tried again while it is busy or away."""
        data = None if body is None else json.dumps(body).encode()
        problem = ""
        for number in range(_TRIES):
            if number:
                pause_s = _PAUSE_S * 2 ** (number - 1) * random.uniform(0.5, 1.5)
                await asyncio.sleep(pause_s)
            try:
                answer = await self._client.request(
                    method, f"{self._base}/{path}", self._headers(), data, _TIMEOUT_S
                )
            except HttpFailed as exc:
                problem = str(exc)
                continue
            if answer.status not in _BUSY:
                return self._read(answer)
            problem = f"it answers {answer.status}"
        raise KekAway(self.id, f"Vault is away: {problem}", "try again")

    def _headers(self) -> dict[str, str]:
        headers = {"X-Vault-Token": self._token(), "X-Vault-Request": "true"}
        return headers | ({"X-Vault-Namespace": self._namespace} if self._namespace else {})

    def _read(self, answer: HttpAnswer) -> Mapping[str, object]:
        if answer.status == 204:
            return {}
        if answer.status == 200:
            data = _json(answer.body).get("data")
            return data if isinstance(data, dict) else {}
        if answer.status == 400:
            raise _Refused(_errors(answer.body))
        if answer.status in {401, 403}:
            raise KekUnavailable(self.id, "Vault denies access", "check the token and its policy")
        if answer.status == 404:
            raise KekUnavailable(
                self.id, "there is no such key in Vault", "check drm.kek_vault_mount and _key"
            )
        raise KekUnavailable(self.id, f"Vault answers {answer.status}", "see its log")

    def _odd(self) -> KekUnavailable:
        return KekUnavailable(self.id, "Vault's answer is none we know", "is it a transit engine?")


class _Refused(KekRefused):
    """Vault will not: 400."""


def _is_of(text: str, kek: Kek) -> bool:
    match = _CIPHERTEXT.fullmatch(text)
    return match is not None and int(match["version"]) == kek.version


def _json(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _errors(body: bytes) -> str:
    errors = _json(body).get("errors")
    first = errors[0] if isinstance(errors, list) and errors else "no reason given"
    return str(first).splitlines()[0][:200]


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
