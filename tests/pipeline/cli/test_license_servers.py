"""Vendors from settings, and what is said of credentials that cannot be used."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from configs.settings import LicenseSettings
from drm.vendors import AxinomMessages, GoogleWidevine, UserTokens
from pipeline.cli.license_servers import VendorKeyUnavailable, open_license_servers
from tests.support.certificates import rsa_pair

KEY = bytes(range(32))
URL = "https://license.example.com/"


def written(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


async def test_one_of_each(tmp_path: Path) -> None:
    google = {"format": 1, "key": KEY.hex().upper(), "iv": KEY[:16].hex()}
    secret = written(tmp_path / "key", b64encode(KEY) + b"\n")
    settings = LicenseSettings(
        widevine="google",
        widevine_url=URL,
        google_provider="label",
        google_key_file=written(tmp_path / "google.json", json.dumps(google).encode()),
        playready="axinom",
        playready_url=URL,
        axinom_key_id="aa",
        axinom_key_file=secret,
        fairplay="token",
        fairplay_url=URL,
        token_header="X-Other",
        token_key_file=secret,
        fairplay_certificate=written(tmp_path / "fairplay.pem", rsa_pair().pem, 0o644),
        duration_s=600,
        timeout_s=2.0,
    )
    async with open_license_servers(settings) as servers:
        assert servers.systems() == ("widevine", "playready", "fairplay")
        proxies = [servers.of(name) for name in servers.systems()]
        assert [one.vendor for one in proxies if one is not None] == [
            GoogleWidevine("label", KEY, KEY[:16]),
            AxinomMessages("aa", KEY),
            UserTokens(KEY, "X-Other"),
        ]
        assert [(one.url, one.timeout_s) for one in proxies if one is not None] == [(URL, 2.0)] * 3
        assert servers.fairplay_certificate == rsa_pair().der
        assert servers.duration_s == 600


async def test_by_default_there_is_none() -> None:
    async with open_license_servers(LicenseSettings()) as servers:
        assert servers.systems() == ()


def google(path: Path) -> LicenseSettings:
    return LicenseSettings(
        widevine="google", widevine_url=URL, google_provider="label", google_key_file=path
    )


def token(path: Path) -> LicenseSettings:
    return LicenseSettings(fairplay="token", fairplay_url=URL, token_key_file=path)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"{}", "not a JSON object"),
        (b'{"format":1,"key":"x","iv":"00"}', "hexadecimal"),
        (b'{"format":1,"key":"00","iv":"00"}', "32 bytes"),
    ],
)
async def test_a_google_key_that_is_none(tmp_path: Path, data: bytes, problem: str) -> None:
    settings = google(written(tmp_path / "google.json", data))
    with pytest.raises(VendorKeyUnavailable, match=rf"google\.json: .*{problem}"):
        async with open_license_servers(settings):
            pass


@pytest.mark.parametrize(
    ("data", "problem"), [(b"not base64!", "base64"), (b64encode(bytes(16)), "32 bytes")]
)
async def test_a_signing_key_that_is_none(tmp_path: Path, data: bytes, problem: str) -> None:
    settings = token(written(tmp_path / "key", data))
    with pytest.raises(VendorKeyUnavailable, match=rf"key: .*{problem}"):
        async with open_license_servers(settings):
            pass


async def test_files_that_others_can_read_or_that_are_not_there(tmp_path: Path) -> None:
    loose = token(written(tmp_path / "key", b64encode(KEY), 0o644))
    for settings, problem in (
        (loose, "others than its owner"),
        (token(tmp_path / "no"), "no such file"),
        (LicenseSettings(fairplay_certificate=tmp_path / "no"), "cannot be read"),
        (
            LicenseSettings(fairplay_certificate=written(tmp_path / "text", b"x")),
            "not a certificate",
        ),
    ):
        with pytest.raises(VendorKeyUnavailable, match=problem):
            async with open_license_servers(settings):
                pass
