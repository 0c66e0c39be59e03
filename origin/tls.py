"""The certificate, and its exchange while connections are made."""

from __future__ import annotations

import ssl
from pathlib import Path

from configs.settings import OriginSettings
from origin.listening import ServeError
from origin.reloading import NotReloaded, Reload

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def open_tls(settings: OriginSettings) -> ssl.SSLContext | None:
    """TLS from the certificate of the settings, or None without one.

    ServeError where certificate and key cannot be used.
    """
    if settings.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = _VERSIONS[settings.tls_minimum]
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as exc:
        msg = f"{settings.tls_certificate}: not a usable certificate and key: {exc}"
        raise ServeError(msg) from exc
    return context


def reload_of(settings: OriginSettings, context: ssl.SSLContext | None) -> tuple[Reload, ...]:
    """What puts a new certificate into the context: for handshakes that begin afterwards."""
    if context is None or settings.tls_certificate is None or settings.tls_key is None:
        return ()
    files = settings.tls_certificate, settings.tls_key
    return (Reload("TLS certificate", files, lambda: _exchange(context, *files)),)


def _exchange(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # First into one that nobody uses: a key that does not fit would spoil the other.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as exc:
        msg = f"{certificate}: not a usable certificate and key: {exc}"
        raise NotReloaded(msg) from exc
