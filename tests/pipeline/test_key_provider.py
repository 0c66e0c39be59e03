"""An ingest with a vendor's keys: its files are locked by them, and say what it wants said."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from catalog import keys
from configs.settings import DrmSettings, IngestSettings, Settings
from drm.cpix import Recipients
from drm.errors import DrmError, SecretUnavailable
from drm.http_client import HttpAnswer
from packager import index
from packager.dash.render import mpd
from packager.hls.render import HlsForm, media
from packager.model import Package
from packager.systems import KeySystems
from pipeline.batch import ingest_all
from pipeline.cli.output import Failure
from pipeline.cli.speke import open_recipients, open_speke_client
from pipeline.ffmpeg.binaries import Tools
from pipeline.progress import Outcome
from pipeline.workshop import Workshop
from tests.support import masters
from tests.support.certificates import rsa_pair
from tests.support.speke_provider import Provider
from tests.support.workshop import Recorder, workshop

SYSTEMS = KeySystems(widevine=True, playready=True, fairplay=True, widevine_provider="ours")


async def ingest(shop: Workshop, provider: Provider, source: Path) -> Outcome:
    whole = replace(shop, key_provider=provider.client(), systems=SYSTEMS)
    (outcome,) = await ingest_all(whole, [source], Recorder())
    return outcome


async def test_the_files_are_locked_by_the_vendors_keys(tools: Tools, tmp_path: Path) -> None:
    provider = Provider()
    source = masters.wav(tmp_path / "a.wav", masters.music(1.0))
    async with workshop(tmp_path / "home", tools, IngestSettings(aes128=True)) as shop:
        outcome = await ingest(shop, provider, source)
        assert outcome.error is None
        assert outcome.track_id is not None
        assert outcome.revision is not None
        async with shop.catalog.connect() as tx:
            rows = await keys.for_revision(tx, outcome.track_id, outcome.revision)
        opened = [await shop.keyring.unwrap(row) for row in rows if row.scheme == "cbcs"]
        assert {one.kid: one for one in opened} == provider.given
        assert {row.tier for row in rows} == {"standard", "premium", "lossless"}
        # The keys of whole segments are ours: SPEKE has none of these.
        assert {row.scheme for row in rows} == {"cbcs", "aes-128"}
        key = f"tracks/{outcome.track_id}/{outcome.revision}/"
        package = index.decode(await shop.store.get(f"{key}package.json"))
        files = {one.name: await shop.store.get(key + one.file) for one in package.files()}
    for one in package.renditions:
        assert one.signaling is not None
        assert one.signaling.widevine is not None
        assert one.signaling.playready is not None
        for box in (one.signaling.widevine, one.signaling.playready):
            assert box in files[one.name]
        if one.aes128 is not None:
            assert one.aes128.signaling is None
            assert one.aes128.kid not in provider.given
    _check_manifests(package)


def _check_manifests(package: Package) -> None:
    document = mpd(package, systems=SYSTEMS)
    for one in package.renditions:
        assert one.signaling is not None
        assert one.signaling.widevine is not None
        assert one.signaling.fairplay is not None
        playlist = media(one, HlsForm.WEB, systems=SYSTEMS)
        box = b64encode(one.signaling.widevine).decode()
        assert box in playlist
        assert box in document
        assert one.signaling.fairplay in playlist


async def test_without_the_vendor_nothing_is_published(tools: Tools, tmp_path: Path) -> None:
    provider = Provider(change=lambda _: HttpAnswer(422, {}, b"Missing CPIX@contentId"))
    source = masters.wav(tmp_path / "a.wav", masters.music(0.5))
    async with workshop(tmp_path / "home", tools) as shop:
        outcome = await ingest(shop, provider, source)
        assert outcome.error is not None
        assert "status 422: Missing CPIX@contentId" in outcome.error
        async with shop.catalog.connect() as tx:
            assert not await keys.exist(tx)


async def test_a_clear_ingest_asks_nobody(tools: Tools, tmp_path: Path) -> None:
    provider = Provider()
    source = masters.wav(tmp_path / "a.wav", masters.music(0.5))
    async with workshop(tmp_path / "home", tools, IngestSettings(scheme="clear")) as shop:
        assert (await ingest(shop, provider, source)).error is None
    assert provider.bodies == []


URL = "https://keys.example.com/speke"


def settings(tmp_path: Path, **speke: object) -> Settings:
    pair = rsa_pair()
    for name, data in (("c.pem", pair.pem), ("k.pem", pair.key_pem), ("token", b"secret\n")):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    values = {f"speke_{name}": value for name, value in speke.items()}
    drm = {"key_provider": "speke", "speke_url": URL, **values}
    return Settings.model_validate({"drm": {"systems": {"fairplay": True}, **drm}})


async def test_the_settings_make_a_client(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        version="2.1",
        token_file=tmp_path / "token",
        certificate=tmp_path / "c.pem",
        key=tmp_path / "k.pem",
        recipients=[tmp_path / "c.pem"],
    )
    async with open_speke_client(found.drm, URL) as client:
        assert client is not None
        assert client.token is not None
        assert (client.version, client.token()) == ("2.1", "secret")
        assert client.identity is not None
        assert client.identity.certificate == rsa_pair().der
        (tmp_path / "token").write_text("")
        with pytest.raises(SecretUnavailable, match="holds no token"):
            client.token()
    recipients = open_recipients(found.drm)
    assert isinstance(recipients, Recipients)
    assert recipients.certificates() == (rsa_pair().der,)
    assert open_recipients(Settings().drm) is None


async def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    found = settings(tmp_path, certificate=tmp_path / "c.pem", key=tmp_path / "k.pem")
    (tmp_path / "k.pem").chmod(0o644)
    with pytest.raises(SecretUnavailable, match="chmod 600"):
        async with open_speke_client(found.drm, URL):
            pass
    missing = settings(tmp_path, recipients=[tmp_path / "none.pem"])
    with pytest.raises(Failure, match=r"none\.pem: cannot be read"):
        open_recipients(missing.drm)
    (tmp_path / "c.pem").write_text("nothing")
    with pytest.raises(DrmError, match="not a PEM certificate"):
        open_recipients(DrmSettings(speke_recipients=(tmp_path / "c.pem",)))


@pytest.mark.parametrize(
    ("drm", "problem"),
    [
        ({"key_provider": "speke", "systems": {"widevine": True}}, "needs speke_url"),
        ({"key_provider": "speke", "speke_url": "https://a"}, "needs one of systems"),
        ({"speke_url": "http://keys.example.com"}, "over https"),
        ({"speke_certificate": "a.pem"}, "go together"),
        ({"speke_version": "1.0"}, "version"),
    ],
)
def test_settings_that_cannot_work(drm: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Settings.model_validate({"drm": drm})


def test_a_key_provider_of_this_machine_needs_no_tls() -> None:
    for host in ("127.0.0.1:8080", "localhost", "[::1]:1"):
        drm = {"speke_url": f"http://{host}/speke"}
        assert Settings.model_validate({"drm": drm}).drm.speke_url
