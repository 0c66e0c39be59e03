"""How this package speaks HTTP: through a client that it is given, never one of its own.

Key providers (Vault), identity providers and license vendors are asked through it. The
composition root passes an implementation; whoever calls says how long an answer may take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from drm.errors import DrmError


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer, whatever its status."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)  # may hold secrets


class HttpFailed(DrmError):
    """No answer: refused, timed out, too large, or broken off. Worth another try."""

    def __init__(self, url: str, cause: str) -> None:
        self.host = urlsplit(url).netloc.rpartition("@")[2]  # a query or a password stays inside
        self.cause = cause
        super().__init__(f"{self.host}: {cause}")


class HttpClient(Protocol):
    """Sends one request at a time per call; calls may be concurrent."""

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> HttpAnswer:
        """Return the answer, redirects not followed. HttpFailed where there is none in time."""
        ...
