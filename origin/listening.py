"""The address a server listens on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

_SETTINGS = "origin.host, origin.port"  # that say where to listen


class ServeError(Exception):
    """The server cannot start; the message says which address or file, and why."""


@contextmanager
def reserve(
    host: str, port: int, *, shared: bool, settings: str = _SETTINGS
) -> Iterator[socket.socket]:
    """A bound socket, not listening yet; port 0 becomes a free one.

    `shared` lets the workers bind the same address (SO_REUSEPORT): the kernel then spreads
    connections among those that listen. Without it, and for the first of them, an address that
    another server listens on is refused.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise _refused(host, port, exc, settings) from exc
    with bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            bound.bind(address)
        except OSError as exc:
            raise _refused(host, port, exc, settings) from exc
        bound.setblocking(False)
        yield bound


def require_free(host: str, port: int, settings: str = _SETTINGS) -> None:
    """ServeError where another server listens, even one that would share the address."""
    with reserve(host, port, shared=False, settings=settings):
        pass


def address_url(bound: socket.socket, *, tls: bool) -> str:
    """The base URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{name}:{port}"


def _refused(host: str, port: int, cause: OSError, settings: str) -> ServeError:
    reason = (cause.strerror or str(cause)).lower()
    return ServeError(f"cannot listen on {host}:{port}: {reason} ({settings})")
