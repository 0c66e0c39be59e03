from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import BadMaster, EncoderFailed
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.probe import AudioStream, parse_probe, probe
from scripts.fault.hostile_run import Trap
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


@pytest.mark.parametrize("form", ["wav", "mov"])
async def test_a_playlist_is_not_opened_as_a_master(
    any_tools: Tools, tmp_path: Path, form: str
) -> None:
    """Nor does anybody call its server, though there is no sandbox and nobody sniffed at it."""
    trap = Trap()
    secret = masters.wav(tmp_path / "secret.wav", masters.music(0.2))
    path = tmp_path / "song.wav"
    lines = ["#EXTM3U", "#EXTINF:1,", f"file://{secret}", "#EXTINF:1,", f"{trap.url}/a.ts"]
    path.write_text("\n".join((*lines, "#EXT-X-ENDLIST", "")))
    try:
        with pytest.raises(BadMaster):
            await probe(replace(any_tools, sandbox=None), path, form)
        assert trap.visits == []
    finally:
        trap.close()


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
