from __future__ import annotations

import os
from pathlib import Path

import pytest

from configs.settings import IngestSettings
from pipeline.errors import BadMaster, NoMasters
from pipeline.ffmpeg.binaries import Tools
from pipeline.master import Master, find_masters, read_master, require_unchanged
from tests.support import masters

SETTINGS = IngestSettings()


async def read(path: Path, tools: Tools) -> Master:
    return await read_master(path, tools, SETTINGS)


@pytest.mark.parametrize(
    ("name", "options", "codec", "bits", "floating"),
    [
        ("a.wav", ["-c:a", "pcm_s16le"], "pcm_s16le", 16, False),
        ("a.wav", ["-c:a", "pcm_s24le"], "pcm_s24le", 24, False),
        ("a.wav", ["-c:a", "pcm_s32le"], "pcm_s32le", 32, False),
        ("a.wav", ["-c:a", "pcm_f32le"], "pcm_f32le", 32, True),
        ("a.wav", ["-c:a", "pcm_f64le"], "pcm_f64le", 64, True),
        ("a.wav", ["-rf64", "always"], "pcm_s16le", 16, False),
        ("a.w64", [], "pcm_s16le", 16, False),
        ("a.aiff", [], "pcm_s16be", 16, False),
        ("a.aiff", ["-c:a", "pcm_s24be"], "pcm_s24be", 24, False),
        ("a.flac", ["-sample_fmt", "s16"], "flac", 16, False),
        ("a.flac", ["-sample_fmt", "s32"], "flac", 24, False),
        ("a.m4a", ["-c:a", "alac", "-sample_fmt", "s16p"], "alac", 16, False),
        ("a.m4a", ["-c:a", "alac", "-sample_fmt", "s32p"], "alac", 24, False),
        ("a.caf", ["-c:a", "pcm_s24be"], "pcm_s24be", 24, False),
    ],
)
async def test_every_kind_of_master(
    any_tools: Tools,
    tmp_path: Path,
    name: str,
    options: list[str],
    codec: str,
    bits: int,
    floating: bool,  # noqa: FBT001 - a table
) -> None:
    signal = masters.music(0.5)
    source = masters.wav(tmp_path / "source.wav", signal, bits=24)
    path = masters.encoded(tmp_path / name, source, *options)
    master = await read(path, any_tools)
    assert (master.sound.codec, master.sound.bit_depth) == (codec, bits)
    assert master.sound.is_float == floating
    assert master.sound.samples == len(signal)
    assert (master.md5 is not None) == (codec == "flac")
    assert master.title == "a"


@pytest.mark.parametrize(
    ("channels", "rate", "seconds", "cause"),
    [
        (6, 48_000, 0.5, "6 channels"),
        (2, 32_000, 0.5, "its rate is 32000 Hz"),
        (2, 8_000, 0.5, "its rate is 8000 Hz"),
        (1, 44_100, 1 / 44_100, "too short: 1 sample,"),
        (2, 44_100, 0.05, "too short: 2205 samples, 0.05 s"),
    ],
)
async def test_unusable_sound_is_refused(
    tools: Tools, tmp_path: Path, channels: int, rate: int, seconds: float, cause: str
) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(seconds, rate, channels), rate)
    with pytest.raises(BadMaster, match=cause):
        await read(path, tools)


async def test_eight_bits_are_refused(tools: Tools, tmp_path: Path) -> None:
    source = masters.wav(tmp_path / "source.wav", masters.music(0.5))
    path = masters.encoded(tmp_path / "a.wav", source, "-c:a", "pcm_u8")
    with pytest.raises(BadMaster, match="pcm_u8, not a lossless master"):
        await read(path, tools)


@pytest.mark.parametrize(
    ("name", "codec", "cause"),
    [("a.m4a", "aac", "aac, not a lossless"), ("a.wav", "libmp3lame", "mp3, not a lossless")],
)
async def test_lossy_audio_in_a_masters_clothes_is_refused(
    tools: Tools, tmp_path: Path, name: str, codec: str, cause: str
) -> None:
    source = masters.wav(tmp_path / "source.wav", masters.music(0.5))
    path = masters.encoded(tmp_path / name, source, "-c:a", codec)
    with pytest.raises(BadMaster, match=cause):
        await read(path, tools)


async def test_a_video_is_refused(tools: Tools, tmp_path: Path) -> None:
    with pytest.raises(BadMaster, match="it is a video"):
        await read(masters.video(tmp_path / "a.mp4"), tools)


async def test_a_fifo_is_refused_and_not_waited_for(tools: Tools, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(BadMaster, match="not a regular file"):
        await read(tmp_path / "a.wav", tools)


async def test_a_name_like_an_option_or_a_protocol_is_a_name(tools: Tools, tmp_path: Path) -> None:
    for name in ("-i.wav", "concat:a|b.wav", "http:x.wav", "100%d.wav", "a\nb.wav"):
        path = masters.wav(tmp_path / name, masters.music(0.2))
        assert (await read(path, tools)).sound.samples == 8_820


async def test_too_long_names_the_setting(tools: Tools, tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(1.5))
    with pytest.raises(BadMaster, match=r"it lasts 2 s, 1 are allowed \(ingest.max_duration_s\)"):
        await read_master(path, tools, IngestSettings(max_duration_s=1))


async def test_own_id_from_the_sidecar_or_the_flag(tools: Tools, tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(0.2))
    (tmp_path / "a.wav.yaml").write_text("id: from-file\ntitle: Prelude\n")
    master = await read(path, tools)
    assert (master.operator_id, master.title) == ("from-file", "Prelude")
    master = await read_master(path, tools, SETTINGS, "from-flag")
    assert master.operator_id == "from-flag"
    with pytest.raises(BadMaster, match="not usable"):
        await read_master(path, tools, SETTINGS, "a\nb")


async def test_embedded_cover_wins_and_a_broken_one_is_a_warning(
    tools: Tools, tmp_path: Path
) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(0.2))
    (tmp_path / "cover.png").write_bytes(masters.picture(30, 30, "PNG"))
    master = await read(path, tools)
    assert master.cover is not None
    assert master.cover.ending == "png"
    masters.tag_wav(path, masters.picture(40, 40))
    master = await read(path, tools)
    assert master.cover is not None
    assert master.cover.ending == "jpg"
    masters.tag_wav(masters.wav(path, masters.music(0.2)), b"no picture")
    master = await read(path, tools)
    assert master.cover is not None
    assert master.cover.ending == "png"
    assert any("cover cannot be read" in one for one in master.warnings)


async def test_a_master_that_is_written_to_is_noticed(tools: Tools, tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(0.2))
    master = await read(path, tools)
    require_unchanged(master)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(BadMaster, match="it changed while"):
        require_unchanged(master)
    path.unlink()
    with pytest.raises(BadMaster, match="it changed while"):
        require_unchanged(master)


def test_folders_are_searched_for_masters_each_once(tmp_path: Path) -> None:
    for name in (
        "b/2.flac",
        "b/1.WAV",
        "a.m4a",
        "cover.jpg",
        "b/p.mp3",
        "b/notes.txt",
        ".x.wav",
        ".h/1.wav",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.m4a")
    found, skipped = find_masters([tmp_path, tmp_path / "b", tmp_path / "b/notes.txt"])
    assert [str(one.relative_to(tmp_path)) for one in found] == [
        *("a.m4a", "b/1.WAV", "b/2.flac", "b/notes.txt")
    ]
    assert skipped == 2  # b/p.mp3, seen twice


def test_nothing_to_do_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(NoMasters, match=f"{tmp_path}: no masters were found"):
        find_masters([tmp_path])
    with pytest.raises(NoMasters, match="there is no such file"):
        find_masters([tmp_path / "gone"])


def test_a_link_to_itself_is_a_master_that_cannot_be_read(tmp_path: Path) -> None:
    loop = tmp_path / "a.wav"
    loop.symlink_to("a.wav")
    assert find_masters([loop]) == ([loop], 0)
    assert find_masters([tmp_path]) == ([loop], 0)
