from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from tests.support.streams import encode_stream

KID, KEY = "000102030405060708090a0b0c0d0e0f", "f1e2d3c4b5a697887766554433221100"


def _run(*args: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["package", *map(str, args)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode_stream(tmp_path_factory.mktemp("song"), "stereo.m4a")


def test_people_get_a_line_for_each_file(song: Path, tmp_path: Path) -> None:
    result = _run(song, "--out", tmp_path / "out")

    assert result.stdout.split()[:3] == ["stereo.mp4", "mp4a.40.2", "44100"]
    assert "clear" in result.stdout
    assert "EXT-X-KEY" not in (tmp_path / "out" / "stereo.m3u8").read_text()


def test_programs_get_json(song: Path, tmp_path: Path) -> None:
    args = ("--out", tmp_path / "out", "--segment", "1.5", "--title", "Rain", "--json")

    document = json.loads(_run(song, *args, "--key", f"{KID}:{KEY}").stdout)

    (rendition,) = document["renditions"]
    assert (rendition["scheme"], rendition["kid"], rendition["segments"]) == ("cbcs", KID, 2)
    assert rendition["samples"] == 145530
    assert "Rain" in (tmp_path / "out" / "manifest.mpd").read_text()


@pytest.mark.parametrize("scheme", ["cbcs", "cenc"])
def test_no_output_and_no_file_holds_the_key(song: Path, tmp_path: Path, scheme: str) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text(f'default: {{kid: "{KID}", key: "{KEY}"}}\n')
    for given in (("--key", f"{KID}:{KEY}"), ("--keys", str(keys))):
        out = tmp_path / given[0]
        result = _run(song, "--out", out, "--scheme", scheme, *given)
        said = result.output.encode() + b"".join(path.read_bytes() for path in out.iterdir())
        assert KEY.encode() not in said
        assert bytes.fromhex(KEY) not in said
        assert KID.encode() in (out / "package.json").read_bytes()
    for wrong in (f"{KID}:{KEY}00", f"{KEY}", f"{KID}:{KEY}:00"):
        result = _run(song, "--out", tmp_path / "x", "--scheme", scheme, "--key", wrong, code=2)
        assert KEY[:8] not in result.output


def test_hls_says_where_keys_are(song: Path, tmp_path: Path) -> None:
    key = ("--key", f"{KID}:{KEY}", "--key-base", "https://keys.example/")

    _run(song, "--out", tmp_path / "native", *key)
    _run(song, "--out", tmp_path / "web", *key, "--hls-form", "hls")

    native = (tmp_path / "native" / "stereo.m3u8").read_text()
    assert f'URI="https://keys.example/{KID}"' in native
    assert 'KEYFORMAT="identity"' in native
    assert "org.w3.clearkey" in (tmp_path / "web" / "stereo.m3u8").read_text()


def test_wrong_usage_ends_with_2_and_broken_media_with_1(song: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    broken = tmp_path / "cut.m4a"
    broken.write_bytes(song.read_bytes()[:5000])
    for args, code, problem in (
        ((song, *out, "--scheme", "cbcs"), 2, "needs a key"),
        ((song, *out, "--scheme", "clear", "--key", f"{KID}:{KEY}"), 2, "takes no key"),
        ((song, *out, "--segment", "0"), 2, "0.5<=x<=60"),
        ((tmp_path / "none.m4a", *out), 1, "none.m4a: No such file"),
        ((broken, *out), 1, "cut.m4a: mdat: reaches beyond the end"),
    ):
        assert problem in _run(*args, code=code).stderr
    assert not (tmp_path / "out").exists()
    _run(song, *out)
    assert "it is there already" in _run(song, *out, code=2).stderr
    _run(song, *out, "--force")


def test_other_key_systems_are_named(song: Path, tmp_path: Path) -> None:
    systems = ("widevine", "playready", "fairplay")
    flags = [part for system in systems for part in ("--protection-system", system)]
    urls = ("--playready-la-url", "https://pr.example", "--clearkey-la-url", "https://ck.example")

    _run(song, "--out", tmp_path / "out", "--key", f"{KID}:{KEY}", *flags, *urls)

    playlist = (tmp_path / "out" / "stereo.m3u8").read_text()
    mpd = (tmp_path / "out" / "manifest.mpd").read_text()
    assert f'URI="skd://{KID}"' in playlist
    assert playlist.count("#EXT-X-KEY:") == 4
    assert mpd.count("https://ck.example") == 2
    for system_id in (
        "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
        "9a04f079-9840-4286-ab92-e65be0885f95",
    ):
        assert f"urn:uuid:{system_id}" in mpd
        box = bytes.fromhex(system_id.replace("-", ""))
        assert box in (tmp_path / "out" / "stereo.mp4").read_bytes()


def test_whole_segments_are_for_hls_alone(song: Path, tmp_path: Path) -> None:
    args = ("--out", tmp_path / "out", "--scheme", "aes-128", "--key", f"{KID}:{KEY}", "--json")

    document = json.loads(_run(song, *args).stdout)

    assert document["dash"] is None
    assert not (tmp_path / "out" / "manifest.mpd").exists()
    assert "METHOD=AES-128" in (tmp_path / "out" / "stereo.m3u8").read_text()
    assert "stereo.m3u8" in (tmp_path / "out" / "multivariant.m3u8").read_text()


def test_a_content_id_is_hexadecimal(song: Path, tmp_path: Path) -> None:
    result = _run(song, "--out", tmp_path / "out", "--content-id", "song", code=2)

    assert "hexadecimal digits are wanted" in result.output
