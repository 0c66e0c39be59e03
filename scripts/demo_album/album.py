"""The album: its tracks in order, their formats and their identities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from scripts.demo_album import files
from scripts.demo_album.dsp import Signal, seconds
from scripts.demo_album.mastering import master, quantized
from scripts.demo_album.mixing import mix
from scripts.demo_album.pieces import estuary, freshet, oxbow, rivers, snowline
from scripts.demo_album.score import Piece


@dataclass(frozen=True, slots=True)
class Album:
    """What all the tracks have in common."""

    title: str = "Watershed"
    artist: str = "The Tarn Ensemble"
    date: str = "2026-11-20"
    label: str = "Headwater Recordings"
    copyright: str = "2026 The Headwater authors, Apache-2.0"
    upc: str = "400026110019"  # number system 4: a shop's own, never on sale elsewhere


@dataclass(frozen=True, slots=True)
class Track:
    """One track of the album, and the format its master has."""

    number: int
    title: str
    artist: str
    genre: str
    suffix: str  # of the file's name: the format
    bits: int
    rate: int  # samples per second
    lyrics: Callable[[], tuple[tuple[float, str], ...]] | None = None  # seconds, line

    @property
    def file(self) -> str:
        """Name of the master."""
        return f"{self.number:02} {self.title}{self.suffix}"

    @property
    def isrc(self) -> str:
        """QZ-HDW-26-0000n: well-formed, and of a registrant that does not exist."""
        return f"QZHDW26{self.number:05}"


@dataclass(frozen=True, slots=True)
class Session:
    """One composition and the tracks it is cut into: more than one play without a gap."""

    compose: Callable[[], Piece]
    tracks: tuple[Track, ...]
    cuts: tuple[float, ...] = ()  # beats


ALBUM = Album()
SESSIONS = (
    Session(
        snowline.compose,
        (Track(1, "Snowline", ALBUM.artist, "Ambient", ".flac", 24, 96_000),),
    ),
    Session(
        freshet.compose,
        (Track(2, "Freshet", ALBUM.artist, "Folk", ".wav", 16, 44_100),),
    ),
    Session(
        rivers.compose,
        (
            Track(3, "Tributaries", ALBUM.artist, "Electronic", ".flac", 24, 48_000),
            Track(4, "Confluence", ALBUM.artist, "Electronic", ".flac", 24, 48_000),
        ),
        cuts=(rivers.CUT_BEAT,),
    ),
    Session(
        oxbow.compose,
        (Track(5, "Oxbow", "The Tarn Ensemble Trio", "Jazz", ".m4a", 16, 44_100),),
    ),
    Session(
        estuary.compose,
        (Track(6, "Estuary", ALBUM.artist, "Chamber Pop", ".aiff", 24, 44_100, estuary.words),),
    ),
)
TRACKS = tuple(track for session in SESSIONS for track in session.tracks)


def perform(session: Session) -> tuple[tuple[Track, Signal], ...]:
    """Mix and master a composition, and cut it into its tracks at whole samples."""
    piece = session.compose()
    rate = session.tracks[0].rate
    sound = master(mix(piece, rate), rate, piece.lufs)
    edges = [0, *(seconds(beat * 60 / piece.bpm, rate) for beat in session.cuts), sound.shape[1]]
    return tuple(
        (track, sound[:, start:end])
        for track, (start, end) in zip(session.tracks, pairwise(edges), strict=True)
    )


def press(track: Track, sound: Signal, folder: Path, ffmpeg: Path) -> Path:
    """Write a track's master, without tags. Returns its path."""
    path = folder / track.file
    frames = quantized(sound, track.bits, seed=track.number)
    files.write(path, frames, track.bits, track.rate, ffmpeg)
    return path
