"""License vendors, from settings: with their credentials read, and a way to ask them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from configs.settings import LicenseSettings
from drm import secret_file
from drm.errors import SecretUnavailable
from drm.http_client import HttpClient
from drm.vendors import (
    AxinomMessages,
    Breaker,
    GoogleWidevine,
    LicenseProxy,
    LicenseServers,
    LicenseVendor,
    UserTokens,
    certificate_der,
)

_Vendor = TypeVar("_Vendor", bound=LicenseVendor)
_REMEDY = "write it as docs/licenses.md shows"
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


class VendorKeyUnavailable(SecretUnavailable):
    """There are no credentials to ask a license vendor with."""


@asynccontextmanager
async def open_license_servers(settings: LicenseSettings) -> AsyncIterator[LicenseServers]:
    """Open those that there are. VendorKeyUnavailable for credentials that cannot be used."""
    path = settings.fairplay_certificate
    certificate = None if path is None else _certificate(path)
    if {settings.widevine, settings.playready, settings.fairplay} == {"none"}:
        yield LicenseServers(fairplay_certificate=certificate)
        return
    from origin.outbound import OutboundClient  # noqa: PLC0415 - slow to load, rarely needed

    async with OutboundClient() as http:
        yield LicenseServers(
            widevine=_proxy(settings, http, settings.widevine, settings.widevine_url),
            playready=_proxy(settings, http, settings.playready, settings.playready_url),
            fairplay=_proxy(settings, http, settings.fairplay, settings.fairplay_url),
            fairplay_certificate=certificate,
            duration_s=settings.duration_s,
            offline_duration_s=settings.offline_duration_s,
        )


def _certificate(path: Path) -> bytes:
    try:
        return certificate_der(path.read_bytes())
    except OSError as exc:
        raise VendorKeyUnavailable(path, f"cannot be read: {exc.strerror}", _REMEDY) from None
    except ValueError:
        raise VendorKeyUnavailable(path, "it is not a certificate", _REMEDY) from None


def _proxy(
    settings: LicenseSettings, http: HttpClient, vendor: str, url: str | None
) -> LicenseProxy | None:
    if vendor == "none" or url is None:
        return None
    breaker = Breaker(failures=settings.failures, pause_s=settings.pause_s)
    return LicenseProxy(http, _vendor(settings, vendor), url, breaker, settings.timeout_s)


def _vendor(settings: LicenseSettings, vendor: str) -> LicenseVendor:
    if vendor == "google":
        return _google(settings.google_provider, _named(settings.google_key_file))
    if vendor == "axinom":
        key_id = settings.axinom_key_id
        return _with_key(_named(settings.axinom_key_file), lambda key: AxinomMessages(key_id, key))
    header = settings.token_header
    return _with_key(_named(settings.token_key_file), lambda key: UserTokens(key, header))


def _google(provider: str, path: Path) -> GoogleWidevine:
    value = secret_file.read(path, VendorKeyUnavailable)
    texts = [str(value.get(name)) for name in ("key", "iv")]
    if not all(map(_HEX.fullmatch, texts)):
        raise VendorKeyUnavailable(path, "`key` and `iv` are not hexadecimal", _REMEDY)
    try:
        return GoogleWidevine(provider, *map(bytes.fromhex, texts))
    except ValueError as exc:
        raise VendorKeyUnavailable(path, str(exc), _REMEDY) from None


def _with_key(path: Path, make: Callable[[bytes], _Vendor]) -> _Vendor:
    text = secret_file.read_private(path, VendorKeyUnavailable)
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError:
        raise VendorKeyUnavailable(path, "it is not base64", _REMEDY) from None
    try:
        return make(key)
    except ValueError as exc:
        raise VendorKeyUnavailable(path, str(exc), _REMEDY) from None


def _named(path: Path | None) -> Path:
    assert path is not None  # noqa: S101 - the settings' own check
    return path
