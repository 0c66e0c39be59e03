from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.tags import normalized_isrc, normalized_upc, read_tags
from tests.support import masters

SIGNAL = masters.music(0.2)


def test_vorbis_comments_of_a_flac(tmp_path: Path) -> None:
    path = masters.flac(
        tmp_path / "a.flac",
        SIGNAL,
        title="Night Train",
        artist="Ada & Bo",
        album="Rivers",
        albumartist="Ada",
        tracknumber="3",
        discnumber="2/2",
        date="2026-11-21",
        genre="Ambient",
        isrc="qz-abc-26-00001",
        barcode="4006381333931",
        copyright="2026 Riverbed",
        label="Riverbed",
        lyrics="la la",
        replaygain_track_gain="-7.30 dB",
        replaygain_album_gain="+1.5 dB",
    )
    masters.add_flac_pictures(path, (4, b"back"), (3, b"front"))
    tags = read_tags(path, {})
    assert (tags.title, tags.artists, tags.album) == ("Night Train", ("Ada & Bo",), "Rivers")
    assert (tags.album_artist, tags.number, tags.disc) == ("Ada", 3, 2)
    assert (tags.date, tags.genre) == ("2026-11-21", "Ambient")
    assert (tags.isrc, tags.upc) == ("QZABC2600001", "4006381333931")
    assert (tags.copyright, tags.label, tags.lyrics) == ("2026 Riverbed", "Riverbed", "la la")
    assert (tags.replaygain_track_db, tags.replaygain_album_db) == (-7.3, 1.5)
    assert tags.picture == b"front"
    assert tags.warnings == ()


def test_id3_in_a_wav(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", SIGNAL)
    masters.tag_wav(path, cover=b"front")
    tags = read_tags(path, {})
    assert (tags.title, tags.artists, tags.album) == ("Night Train", ("Ada", "Bo"), "Rivers")
    assert (tags.number, tags.isrc, tags.replaygain_track_db) == (3, "QZABC2600001", -7.3)
    assert (tags.lyrics, tags.picture) == ("la la\nla", b"front")


def test_id3_in_an_aiff(tmp_path: Path) -> None:
    source = masters.wav(tmp_path / "a.wav", SIGNAL)
    path = masters.encoded(
        tmp_path / "a.aiff", source, "-write_id3v2", "1", "-metadata", "title=Night Train"
    )
    assert read_tags(path, {}).title == "Night Train"


def test_atoms_of_an_alac(tmp_path: Path) -> None:
    source = masters.wav(tmp_path / "a.wav", SIGNAL)
    path = masters.encoded(tmp_path / "a.m4a", source, "-c:a", "alac")
    masters.tag_mp4(path, cover=b"front")
    tags = read_tags(path, {})
    assert (tags.title, tags.artists, tags.album_artist) == ("Night Train", ("Ada", "Bo"), "Ada")
    assert (tags.number, tags.disc) == (3, 2)
    assert (tags.isrc, tags.upc, tags.picture) == ("QZABC2600001", "4006381333931", b"front")


def test_several_artists_win_over_one_credit(tmp_path: Path) -> None:
    path = masters.flac(tmp_path / "a.flac", SIGNAL, artist="Ada feat. Bo")
    tags = read_tags(path, {}, {"artists": ("Ada", "Bo")})
    assert tags.artists == ("Ada", "Bo")


def test_what_ffprobe_reads_fills_what_mutagen_does_not(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", SIGNAL)
    tags = read_tags(path, {"title": "From RIFF INFO", "track": "7/9", "encoder": "x"})
    assert (tags.title, tags.number) == ("From RIFF INFO", 7)


def test_invalid_values_are_left_out_with_a_warning(tmp_path: Path) -> None:
    path = masters.flac(
        tmp_path / "a.flac", SIGNAL, isrc="NOT-ONE", barcode="4006381333932", date="soon"
    )
    tags = read_tags(path, {})
    assert (tags.isrc, tags.upc, tags.date) == (None, None, None)
    assert len(tags.warnings) == 3


def test_broken_tags_are_a_warning(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", SIGNAL)
    masters.tag_wav(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"ID3\x04", b"ID3\x0f"))
    tags = read_tags(path, {"title": "fallback"})
    assert tags.title == "fallback"
    assert tags.warnings


@pytest.mark.parametrize(
    ("text", "isrc"),
    [
        ("QZABC2600001", "QZABC2600001"),
        ("qz-abc-26-00001", "QZABC2600001"),
        ("ISRC QZ ABC 26 00001", "QZABC2600001"),
        ("QZABC260000", None),
        ("1ZABC2600001", None),
        ("QZABC26O0001", None),
    ],
)
def test_isrc_rules(text: str, isrc: str | None) -> None:
    assert normalized_isrc(text) == isrc


@pytest.mark.parametrize(
    ("text", "upc"),
    [
        ("4006381333931", "4006381333931"),
        ("0 12345 67890 5", "012345678905"),
        ("4006381333932", None),
        ("12345", None),
        ("", None),
    ],
)
def test_upc_check_digit(text: str, upc: str | None) -> None:
    assert normalized_upc(text) == upc


def test_what_steers_terminals_and_breaks_manifests_is_left_out(tmp_path: Path) -> None:
    path = masters.flac(
        tmp_path / "a.flac", masters.music(0.1), title="\x1b[2JNight\x07\tTrain\ufffe\x85"
    )
    tags = read_tags(path, {}, {"album": ("\x00\x01",), "lyrics": ("one\ntwo\x08",)})
    assert (tags.title, tags.album, tags.lyrics) == ("[2JNight  Train", None, "one\ntwo")


def test_artists_are_bounded(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(0.1))
    tags = read_tags(path, {}, {"artists": ("A" * 5000,) * 5000})
    assert (len(tags.artists), len(tags.artists[0])) == (100, 1000)
