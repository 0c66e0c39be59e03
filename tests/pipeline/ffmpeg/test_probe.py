from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import BadMaster, EncoderFailed
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.probe import AudioStream, parse_probe, probe
from tests.support import masters


async def test_streams_and_tags(any_tools: Tools, tmp_path: Path) -> None:
    path = masters.flac(tmp_path / "a.flac", masters.music(0.5), bits=24, title="Night Train")
    found = await probe(any_tools, path, "flac")
    assert found.audio == (AudioStream("flac", 44_100, 2, 24, is_float=False, samples=22_050),)
    assert not found.has_video
    assert found.tags["title"] == "Night Train"


async def test_an_attached_cover_is_no_video(any_tools: Tools, tmp_path: Path) -> None:
    path = masters.flac(tmp_path / "a.flac", masters.music(0.5))
    masters.add_flac_pictures(path, (3, masters.picture()))
    assert not (await probe(any_tools, path, "flac")).has_video


async def test_a_moving_picture_is(any_tools: Tools, tmp_path: Path) -> None:
    path = masters.video(tmp_path / "a.mp4")
    assert (await probe(any_tools, path, "mov")).has_video


async def test_a_playlist_is_not_opened_as_a_wav(any_tools: Tools, tmp_path: Path) -> None:
    secret = masters.wav(tmp_path / "secret.wav", masters.music(0.2))
    path = tmp_path / "song.wav"
    path.write_text(f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    with pytest.raises(BadMaster):
        await probe(any_tools, path, "wav")


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'{"streams": [1]}', b'{"streams": 7}'])
def test_nonsense_raises_what_probe_expects(answer: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        parse_probe(answer)


async def test_a_probe_that_somebody_kills_says_nothing_about_the_master(
    any_tools: Tools, tmp_path: Path
) -> None:
    killed = tmp_path / "ffprobe"
    killed.write_text("#!/bin/sh\nkill -KILL $$\n")
    killed.chmod(0o755)
    tools = replace(any_tools, ffprobe=killed, sandbox=None)
    with pytest.raises(EncoderFailed, match="was killed"):
        await probe(tools, masters.wav(tmp_path / "a.wav", masters.music(0.5)), "wav")
