"""Countries of addresses, from a local GeoIP database (MMDB: MaxMind's and others')."""

from __future__ import annotations

import ipaddress
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from drm.territories import territory
from origin.cache import Cache

if TYPE_CHECKING:
    from maxminddb import Reader

_LOG = logging.getLogger("headwater.origin")
_REMEMBERED = 65536  # addresses
_LOOK_AGAIN_S = 60.0  # whether there is a newer file: providers publish one a week


class GeoIpUnavailable(Exception):
    """The database cannot be read; the message says which and why."""


class GeoIp:
    """One worker's view of the database. Raises GeoIpUnavailable where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def country(self, address: str) -> str | None:
        """Where an address is: ISO 3166-1 alpha-2, None where the database does not say."""
        if time.monotonic() >= self._look_again:
            self._refresh()
        known = self._known.get(address)
        if known is None:
            known = self._find(address)
            self._known.put(address, known)
        return known or None

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def _open(self) -> None:
        stamp, self._reader = _open(self._path)
        self._stamp = stamp
        self._known: Cache[str, str] = Cache(_REMEMBERED)
        self._look_again = time.monotonic() + _LOOK_AGAIN_S

    def _refresh(self) -> None:
        """Take a newer file; where there is none that can be read, go on with this one."""
        self._look_again = time.monotonic() + _LOOK_AGAIN_S
        before = self._reader
        try:
            if _stamp(self._path) != self._stamp:
                self._open()
                before.close()
        except (GeoIpUnavailable, OSError) as exc:
            _LOG.warning("the GeoIP database is not read again: %s", exc)

    def _find(self, address: str) -> str:
        """The country's code, or "" where it is unknown."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
            found = self._reader.get(getattr(parsed, "ipv4_mapped", None) or parsed)
        except ValueError:  # no address, or IPv6 in a database that has none
            return ""
        return territory(_code(found)) or ""


def _code(record: object) -> str:
    """The country of a record: MaxMind's and DB-IP's form, or a plain one."""
    country = record.get("country") if isinstance(record, dict) else None
    if isinstance(country, dict):
        country = country.get("iso_code")
    return country if isinstance(country, str) else ""


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


def _open(path: Path) -> tuple[tuple[int, int], Reader]:
    try:
        import maxminddb  # noqa: PLC0415 - only where a database is configured
    except ImportError as exc:
        remedy = "pip install 'headwater[geoip]'"
        raise GeoIpUnavailable(f"{path}: maxminddb is not installed ({remedy})") from exc
    try:
        return _stamp(path), maxminddb.open_database(path)
    except OSError as exc:
        raise GeoIpUnavailable(f"{path}: {(exc.strerror or str(exc)).lower()}") from exc
    except maxminddb.InvalidDatabaseError as exc:
        raise GeoIpUnavailable(f"{path}: is not an MMDB database") from exc
