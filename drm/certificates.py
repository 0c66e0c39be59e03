"""When certificates end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509


def not_after(path: Path) -> datetime:
    """Until when the first certificate of a PEM file holds (the server's own, before its chain).

    OSError where it cannot be read, ValueError where it holds none.
    """
    return x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
