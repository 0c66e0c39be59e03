"""The album as files: formats bit for bit, tags as our own ingest reads them, the gapless cut."""

from __future__ import annotations

import asyncio
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs.settings import FfmpegSettings
from pipeline.ffmpeg.binaries import find_tools
from pipeline.tags import normalized_isrc, normalized_upc, read_tags
from scripts.demo_album import files
from scripts.demo_album.album import ALBUM, SESSIONS, TRACKS, Session, Track, perform, press
from scripts.demo_album.cover import draw
from scripts.demo_album.dsp import Signal, noise, phase, sine
from scripts.demo_album.keys import piano
from scripts.demo_album.mastering import quantized, true_peak
from scripts.demo_album.pieces import estuary
from scripts.demo_album.score import Part, Piece, line
from scripts.demo_album.tagging import lrc, tag

pytestmark = pytest.mark.slow  # it is played first


@pytest.fixture(scope="module")
def ffmpeg() -> Path:
    return asyncio.run(find_tools(FfmpegSettings())).ffmpeg


@pytest.fixture(scope="module")
def cover() -> bytes:
    return draw()


def short_sound(rate: int) -> Signal:
    tone = sine(phase(330.0, rate // 2, rate))
    return np.stack((tone, noise(rate // 2, 5))) * np.float32(0.5)


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: str(track.file))
def test_masters_hold_their_samples_bit_for_bit(track: Track, tmp_path: Path, ffmpeg: Path) -> None:
    sound = short_sound(track.rate)
    path = press(track, sound, tmp_path, ffmpeg)
    command = [str(ffmpeg), "-v", "error", "-nostdin", "-i", str(path), "-f", "s32le", "pipe:1"]
    decoded = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(decoded, "<i4").reshape(-1, 2) >> (32 - track.bits)
    assert np.array_equal(frames, quantized(sound, track.bits, seed=track.number))


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: str(track.file))
def test_our_own_ingest_reads_every_tag(
    track: Track, tmp_path: Path, ffmpeg: Path, cover: bytes
) -> None:
    path = press(track, short_sound(track.rate), tmp_path, ffmpeg)
    tag(path, track, cover)
    tags = read_tags(path, {})
    assert tags.warnings == ()
    assert (tags.title, tags.artists, tags.album) == (track.title, (track.artist,), ALBUM.title)
    assert (tags.album_artist, tags.disc, tags.number) == (ALBUM.artist, 1, track.number)
    assert (tags.isrc, tags.upc, tags.date) == (track.isrc, ALBUM.upc, ALBUM.date)
    assert (tags.genre, tags.label, tags.copyright) == (track.genre, ALBUM.label, ALBUM.copyright)
    assert tags.picture == cover
    assert tags.lyrics == (lrc(track.lyrics()) if track.lyrics else None)


def test_identities_are_well_formed_and_different() -> None:
    assert all(normalized_isrc(track.isrc) == track.isrc for track in TRACKS)
    assert len({track.isrc for track in TRACKS}) == len(TRACKS) == 6
    assert normalized_upc(ALBUM.upc) == ALBUM.upc


def test_every_format_of_the_brief_is_there() -> None:
    formats = {(track.suffix, track.bits, track.rate) for track in TRACKS}
    assert formats == {
        (".flac", 24, 96_000),
        (".wav", 16, 44_100),
        (".flac", 24, 48_000),
        (".m4a", 16, 44_100),
        (".aiff", 24, 44_100),
    }


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.tracks[0].title)
def test_pieces_last_as_long_as_tracks_do(session: Session) -> None:
    piece = session.compose()
    assert 45 <= piece.duration_s / len(session.tracks) <= 90
    assert len({part.voice for part in piece.parts}) >= 5
    assert all(0 <= note.start < piece.beats + 4 for part in piece.parts for note in part.notes)


def brief() -> Piece:
    tune = Part(piano, line("C4 E4 G4 C5"), reverb=0.3, echo=0.2)
    return Piece(bpm=240, beats=4, seed=1, lufs=-18, tail_s=1, room_s=0.5, parts=(tune,))


def test_a_cut_leaves_no_sample_out_and_playing_again_gives_the_same() -> None:
    one, two = (Track(n, "x", "y", "z", ".wav", 16, 8000) for n in (1, 2))
    whole = perform(Session(brief, (one,)))[0][1]
    first, second = (sound for _, sound in perform(Session(brief, (one, two), cuts=(1.5,))))
    assert first.shape[1] == 3000
    assert np.array_equal(np.concatenate((first, second), axis=1), whole)


def test_lyrics_are_timed_by_the_score() -> None:
    lines = lrc(estuary.words()).splitlines()
    assert lines[0] == "[00:06.67]Snow remembers the hills it leaves"
    assert lines == sorted(lines)


def test_the_cover_is_a_square_jpeg_and_always_the_same(cover: bytes) -> None:
    image = Image.open(BytesIO(cover))
    assert (image.format, image.size, image.mode) == ("JPEG", (1400, 1400), "RGB")
    assert draw() == cover


@pytest.mark.parametrize(
    ("rate", "written"),
    [
        (44_100, "400eac44000000000000"),
        (48_000, "400ebb80000000000000"),
        (1, "3fff8000000000000000"),
    ],
)
def test_rates_are_written_as_extended_floats(rate: int, written: str) -> None:
    assert files.extended(rate).hex() == written


def test_a_whole_piece_is_mastered_below_minus_one_decibel() -> None:
    ((_, sound),) = perform(SESSIONS[1])
    assert true_peak(sound) < -1
