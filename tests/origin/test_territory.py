"""Where requests come from: a CDN's header, a GeoIP database, and who is believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from origin.forwarded import BaseUrl
from origin.geoip import GeoIp, GeoIpUnavailable
from origin.territory import Territories
from tests.support.mmdb import database

COUNTRIES = {
    "192.0.2.0/24": {"country": {"iso_code": "DE", "geoname_id": 2921044}},
    "198.51.100.0/25": {"country": "FR"},
    "203.0.113.0/24": {"continent": "EU"},
    "2001:db8::/32": {"country": {"iso_code": "JP"}},
    "203.0.114.0/24": {"country": {"iso_code": "XX"}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "country.mmdb"
    path.write_bytes(database(COUNTRIES))
    return path


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.1", "DE"),
        ("::ffff:192.0.2.1", "DE"),
        ("198.51.100.127", "FR"),
        ("198.51.100.128", None),
        ("203.0.113.1", None),
        ("203.0.114.1", None),
        ("2001:db8::1", "JP"),
        ("2001:db8::1%eth0", "JP"),
        ("2001:db9::1", None),
        ("10.0.0.1", None),
        ("nowhere", None),
        ("", None),
    ],
)
def test_countries_of_addresses(file: Path, address: str, country: str | None) -> None:
    geoip = GeoIp(file)
    assert geoip.country(address) == country
    assert geoip.country(address) == country  # as it is remembered
    geoip.close()


def test_a_newer_file_is_taken_and_a_broken_one_is_not(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("origin.geoip._LOOK_AGAIN_S", 0.0)
    geoip = GeoIp(file)
    assert geoip.country("192.0.2.1") == "DE"
    replace(file, database({"192.0.2.0/24": {"country": "AT"}}))
    assert geoip.country("192.0.2.1") == "AT"
    replace(file, b"not a database")
    assert geoip.country("192.0.2.1") == "AT"
    assert "not read again" in caplog.text
    file.unlink()
    assert geoip.country("192.0.2.1") == "AT"
    geoip.close()


def replace(file: Path, data: bytes) -> None:
    newer = file.with_suffix(".new")
    newer.write_bytes(data)
    newer.replace(file)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "missing.mmdb"
    with pytest.raises(GeoIpUnavailable, match=r"missing\.mmdb: no such file"):
        GeoIp(missing)
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database at all")
    with pytest.raises(GeoIpUnavailable, match=r"broken\.mmdb: is not an MMDB database"):
        GeoIp(broken)


def asked(remote: str, *fields: tuple[str, str]) -> web.BaseRequest:
    request = make_mocked_request("GET", "/", headers=CIMultiDict(fields))
    return request.clone(remote=remote)


@pytest.mark.parametrize(
    ("remote", "fields", "country"),
    [
        ("10.0.0.1", [("CF-IPCountry", "de")], "DE"),
        ("10.0.0.1", [("cf-ipcountry", "DE")], "DE"),
        ("10.0.0.1", [], None),
        ("10.0.0.1", [("CF-IPCountry", "XX")], None),
        ("10.0.0.1", [("CF-IPCountry", "XX"), ("X-Forwarded-For", "192.0.2.9")], "DE"),
        ("10.0.0.1", [("CF-IPCountry", "FR"), ("X-Forwarded-For", "192.0.2.9")], "FR"),
        ("10.0.0.1", [("CF-IPCountry", "JP"), ("CF-IPCountry", "FR")], None),
        ("192.0.2.7", [("CF-IPCountry", "FR")], "DE"),  # a client's own header
        ("192.0.2.7", [("X-Forwarded-For", "198.51.100.1")], "DE"),
        ("203.0.113.7", [("CF-IPCountry", "FR")], None),
    ],
)
def test_who_is_believed(
    file: Path, remote: str, fields: list[tuple[str, str]], country: str | None
) -> None:
    geoip = GeoIp(file)
    places = Territories(BaseUrl(None, ("10.0.0.0/8",)), "CF-IPCountry", geoip)
    assert places.of(asked(remote, *fields)) == country
    geoip.close()


def test_without_settings_nothing_is_known() -> None:
    places = Territories(BaseUrl(None, ()), None, None)
    request = asked("10.0.0.1", ("CF-IPCountry", "DE"))
    assert places.of(request) is None
