from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from packager import index
from packager.model import Scheme
from pipeline.errors import BadInput, WrongRequest
from pipeline.raw_keys import RawKeys, parse_key
from pipeline.standalone import Input, Request, package_files, parse_input
from tests.support.streams import encode_stream

KEYS = parse_key("000102030405060708090a0b0c0d0e0f:" + "f0" * 16)


@pytest.fixture(scope="session")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    for name in ("stereo.m4a", "stereo.flac", "stereo.opus", "5.1.eac3"):
        encode_stream(folder, name)
    return folder


def _request(streams: Path, out: Path, *names: str, scheme: Scheme = Scheme.CLEAR) -> Request:
    keys = RawKeys() if scheme is Scheme.CLEAR else KEYS
    inputs = [Input(streams / name) for name in names]
    return Request(inputs, out, scheme, keys, segment_s=Fraction(1))


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("scheme", [Scheme.CLEAR, Scheme.CBCS, Scheme.CENC])
def test_equal_input_gives_equal_bytes(streams: Path, tmp_path: Path, scheme: Scheme) -> None:
    names = ("stereo.m4a", "stereo.flac", "5.1.eac3")
    for folder in ("a", "b"):
        package_files(_request(streams, tmp_path / folder, *names, scheme=scheme))

    files = _files(tmp_path / "a")
    assert files == _files(tmp_path / "b")
    assert set(files) == {
        *("stereo-aac.mp4", "stereo-aac.m3u8", "stereo-flac.mp4", "stereo-flac.m3u8"),
        *("5-1.mp4", "5-1.m3u8", "multivariant.m3u8", "manifest.mpd", "package.json"),
    }


def test_the_index_tells_what_is_there(streams: Path, tmp_path: Path) -> None:
    request = _request(streams, tmp_path, "stereo.m4a", scheme=Scheme.CBCS)

    package = package_files(replace(request, name="rain", title="Rain", artist="Ada"))

    assert index.decode((tmp_path / "package.json").read_bytes()) == package
    (one,) = package.renditions
    assert one.sha256 == hashlib.sha256((tmp_path / one.file).read_bytes()).hexdigest()
    assert (package.track_id, package.title, package.artist) == ("rain", "Rain", "Ada")
    assert len(one.segments) == 3


def test_one_key_is_never_used_twice_with_one_counter(streams: Path, tmp_path: Path) -> None:
    for keys in (KEYS, parse_key("000102030405060708090a0b0c0d0e0f:" + "f0" * 16 + ":" + "00" * 8)):
        request = _request(streams, tmp_path, "stereo.m4a", "stereo.opus", scheme=Scheme.CENC)
        package_files(replace(request, keys=keys, force=True))
        ivs = set()
        for name in ("stereo-aac.mp4", "stereo-opus.mp4"):
            data = (tmp_path / name).read_bytes()
            at = data.index(b"senc") + 12
            ivs.add(data[at : at + 4])
        assert len(ivs) == 2


def test_each_input_may_have_a_key_of_its_tier(streams: Path, tmp_path: Path) -> None:
    key, other = (f"key_id={'0' * 31}{digit}:key={digit * 32}" for digit in "12")
    keys = parse_key(f"label=free:{key}").merged(parse_key(f"label=paid:{other}"))
    inputs = [
        Input(streams / "stereo.m4a", "low", "free"),
        Input(streams / "stereo.flac", "high", "paid"),
    ]

    package = package_files(Request(inputs, tmp_path, Scheme.CBCS, keys))

    kids = [one.kid.hex[-1] for one in package.renditions if one.kid]
    assert kids == ["1", "2"]
    assert [(one.name, one.tier) for one in package.renditions] == [
        ("low", "free"),
        ("high", "paid"),
    ]
    with pytest.raises(WrongRequest, match=r"there is no key for it \(tier gold\)"):
        package_files(Request([replace(inputs[0], tier="gold")], tmp_path / "x", Scheme.CBCS, keys))


def test_nothing_is_overwritten_unasked(streams: Path, tmp_path: Path) -> None:
    request = _request(streams, tmp_path, "stereo.m4a")
    (tmp_path / "manifest.mpd").write_text("mine")

    with pytest.raises(WrongRequest, match=r"manifest.mpd: it is there already \(--force"):
        package_files(request)
    assert _files(tmp_path) == {"manifest.mpd": b"mine"}

    package_files(replace(request, force=True))
    assert b"MPD" in (tmp_path / "manifest.mpd").read_bytes()


def test_an_input_is_never_overwritten(streams: Path, tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    path.write_bytes((streams / "stereo.m4a").read_bytes())

    with pytest.raises(WrongRequest, match="this is an input"):
        package_files(Request([Input(path)], tmp_path, Scheme.CLEAR, force=True))


def test_a_broken_input_leaves_nothing_behind(streams: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    path.write_bytes((streams / "stereo.flac").read_bytes()[:-9])

    with pytest.raises(BadInput, match=r"cut\.flac: FLAC: the frame is broken or cut short"):
        package_files(Request([Input(path)], tmp_path / "out", Scheme.CLEAR))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a.m4a", Input(Path("a.m4a"))),
        ("in=a.m4a", Input(Path("a.m4a"))),
        ("a.m4a,tier=free", Input(Path("a.m4a"), tier="free")),
        ("tier=free,in=a.m4a,name=low", Input(Path("a.m4a"), "low", "free")),
        # As Shaka Packager has it
        ("in=a.m4a,stream=audio,output=low.mp4,drm_label=SD", Input(Path("a.m4a"), "low", "SD")),
    ],
)
def test_stream_descriptors(text: str, wanted: Input) -> None:
    assert parse_input(text) == wanted


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("in=a.m4a,stream=video", "only audio streams"),
        ("in=a.m4a,lang=en,trick=2", "no such field: lang, trick"),
        ("name=low,tier=free", "in=PATH,name=NAME,tier=TIER is wanted"),
        ("a.m4a,b.m4a", "is wanted"),
    ],
)
def test_wrong_descriptors(text: str, problem: str) -> None:
    with pytest.raises(WrongRequest, match=problem):
        parse_input(text)


def test_a_file_with_a_comma_in_its_name_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "one, two.m4a"
    path.touch()

    assert parse_input(str(path)) == Input(path)


def test_names_must_be_names_and_different(streams: Path, tmp_path: Path) -> None:
    path = streams / "stereo.m4a"
    for names, problem in (
        (("Low Rate",), "'Low Rate' is no name"),
        (("low", "low"), "two renditions would be called low"),
        ((None, None), "two renditions would be called stereo-aac"),
    ):
        inputs = [Input(path, name) for name in names]
        with pytest.raises(WrongRequest, match=problem):
            package_files(Request(inputs, tmp_path / "out", Scheme.CLEAR))
