"""Where a bucket is and how it is talked to: what both clients need to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

AMAZON = "https://s3.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user of the server. What it prints as has no secret in it."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket's address. `credentials` None: they are found as AWS tools find theirs."""

    bucket: str
    endpoint: str | None = None  # None: Amazon's
    region: str = "us-east-1"
    addressing: Literal["auto", "path", "virtual"] = "auto"
    credentials: Credentials | None = None
    ca_file: Path | None = None  # PEM; None: the authorities that the system trusts
    connections: int = 32
    timeout_s: float = 20.0  # without a byte; a request as a whole may take longer

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.endpoint or AMAZON}/{self.bucket}"

    @property
    def is_virtual(self) -> bool:
        """Whether the bucket's name is a part of the host's: Amazon's way, not everybody's."""
        return self.addressing == "virtual" or (self.addressing == "auto" and self._is_amazon)

    @property
    def _is_amazon(self) -> bool:
        host = urlsplit(self.endpoint or AMAZON).hostname or ""
        return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
