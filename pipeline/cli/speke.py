"""Settings -> SPEKE: whom an ingest asks for keys, and whom the origin may encrypt keys to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from configs.settings import DrmSettings
from drm import secret_file
from drm.cpix.envelope import SPEKE_BITS, Identity, Recipients
from drm.errors import SecretUnavailable
from drm.speke_client import SpekeClient
from origin.outbound import OutboundClient
from packager.pssh import System
from pipeline.cli.output import Failure


@asynccontextmanager
async def open_speke_client(settings: DrmSettings, url: str) -> AsyncIterator[SpekeClient]:
    """The vendor that makes content keys."""
    wanted = (
        (System.WIDEVINE, settings.systems.widevine),
        (System.PLAYREADY, settings.systems.playready),
        (System.FAIRPLAY, settings.systems.fairplay),
    )
    async with OutboundClient() as http:
        yield SpekeClient(
            http,
            url,
            settings.speke_version,
            tuple(system for system, is_on in wanted if is_on),
            token=_token(settings.speke_token_file),
            identity=_identity(settings),
        )


def open_recipients(settings: DrmSettings) -> Recipients | None:
    """The certificates that SPEKE's answers may be encrypted to; None where there are none."""
    if not settings.speke_recipients:
        return None
    return Recipients.from_pem(map(_read, settings.speke_recipients), minimum_bits=SPEKE_BITS)


def _identity(settings: DrmSettings) -> Identity | None:
    if settings.speke_certificate is None or settings.speke_key is None:
        return None
    key = secret_file.read_private(settings.speke_key, SecretUnavailable)
    return Identity.from_pem(_read(settings.speke_certificate), key)


def _token(path: Path | None) -> Callable[[], str] | None:
    """The token as it is now: agents renew the file."""
    if path is None:
        return None

    def token() -> str:
        text = secret_file.read_private(path, SecretUnavailable).decode("ascii", "replace").strip()
        if not (text.isascii() and text.isprintable() and text):
            raise SecretUnavailable(path, "holds no token", "write the vendor's token to it")
        return text

    return token


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Failure(f"{path}: cannot be read: {exc.strerror}") from exc
