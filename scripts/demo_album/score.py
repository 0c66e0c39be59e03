"""Music as values: notes, the small notations the pieces are written in, parts and pieces.

Times inside a score are beats; pitches are MIDI numbers (A4 = 69 = 440 Hz).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scripts.demo_album.dsp import Signal

_ACCENT = {"x": 1.0, "o": 0.66, "g": 0.33}
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_PITCH = re.compile(r"([A-G])([#b]?)(-?\d)")


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a part."""

    start: float  # beats
    length: float  # beats
    pitch: int  # MIDI number
    velocity: float = 0.7  # 0 to 1

    def moved(self, beats: float) -> Note:
        """The same note, later by that much."""
        return replace(self, start=self.start + beats)


@dataclass(frozen=True, slots=True)
class Tone:
    """What a voice is asked to sound."""

    hz: float
    length_s: float
    velocity: float
    rate: int  # samples per second
    seed: int  # of this tone's own randomness


# Gives mono (n,) or stereo (2, n) samples, longer than the tone by what it rings on.
Voice = Callable[[Tone], Signal]


@dataclass(frozen=True, slots=True)
class Part:
    """One instrument's notes and its place in the mix."""

    voice: Voice
    notes: tuple[Note, ...]
    gain_db: float = 0.0
    pan: float = 0.0  # -1 left to 1 right
    reverb: float = 0.2  # send, linear
    echo: float = 0.0  # send, linear
    loose_s: float = 0.004  # how far, at most, a hand is from the beat


@dataclass(frozen=True, slots=True)
class Piece:
    """A composition, and how loud and in what room it is heard."""

    bpm: float
    beats: float  # length of the score
    parts: tuple[Part, ...]
    seed: int
    lufs: float  # integrated loudness to master to
    tail_s: float = 4.0  # ringing after the last beat
    room_s: float = 2.2  # reverberation time
    echo_beats: float = 0.75

    @property
    def duration_s(self) -> float:
        """Length with the tail, seconds."""
        return self.beats * 60 / self.bpm + self.tail_s


def pitch(name: str) -> int:
    """MIDI number of a pitch written like C4, F#3 or Bb5."""
    match = _PITCH.fullmatch(name)
    if match is None:
        msg = f"not a pitch: {name!r}"
        raise ValueError(msg)
    letter, accidental, octave = match.groups()
    shift = {"#": 1, "b": -1, "": 0}[accidental]
    return 12 * (int(octave) + 1) + _SEMITONES[letter] + shift


def chord(text: str) -> tuple[int, ...]:
    """Pitches of a voicing written like `D3 A3 F#4`, lowest first."""
    return tuple(pitch(name) for name in text.split())


def hertz(midi: float) -> float:
    """Frequency of a MIDI number, equal temperament."""
    return float(440.0 * 2.0 ** ((midi - 69) / 12))


def line(
    text: str, *, at: float = 0.0, velocity: float = 0.7, legato: float = 0.95
) -> tuple[Note, ...]:
    """A melody written as `A4:1 B4:.5 -:1 D5:2`: pitch and beats; a dash rests."""
    notes = []
    now = at
    for token in text.split():
        name, _, beats = token.partition(":")
        length = float(beats or 1)
        if name != "-":
            notes.append(Note(now, length * legato, pitch(name), velocity))
        now += length
    return tuple(notes)


def hold(pitches: Iterable[int], at: float, length: float, velocity: float) -> tuple[Note, ...]:
    """A chord, all notes at once."""
    return tuple(Note(at, length, one, velocity) for one in pitches)


def strum(
    pitches: Sequence[int], at: float, length: float, velocity: float, spread: float = 0.04
) -> tuple[Note, ...]:
    """A chord, notes one after the other by `spread` beats."""
    return tuple(
        Note(at + index * spread, length, one, velocity) for index, one in enumerate(pitches)
    )


def arpeggio(
    pitches: Sequence[int],
    pattern: Sequence[int | None],
    at: float,
    step: float,
    *,
    velocity: float = 0.6,
    ring: float = 3.0,
) -> tuple[Note, ...]:
    """A chord broken by indices into it (None rests), each note ringing on for `ring` steps.

    The first of every four is struck a little harder.
    """
    return tuple(
        Note(
            at + index * step,
            step * ring,
            pitches[which % len(pitches)] + 12 * (which // len(pitches)),
            velocity * (1.0 if index % 4 == 0 else 0.8),
        )
        for index, which in enumerate(pattern)
        if which is not None
    )


def hits(text: str, at: float, *, step: float = 0.25, velocity: float = 0.8) -> tuple[Note, ...]:
    """A drum pattern: x loud, o softer, g a ghost note, anything else a rest; bars by `|`."""
    return tuple(
        Note(at + index * step, step, 60, velocity * _ACCENT[mark])
        for index, mark in enumerate(text.replace("|", ""))
        if mark in _ACCENT
    )


def bars(pattern: Sequence[Note], starts: Iterable[float]) -> tuple[Note, ...]:
    """A pattern repeated at each of these beats."""
    return tuple(note.moved(start) for start in starts for note in pattern)


def swell(
    notes: Sequence[Note], start: float, end: float, low: float, high: float
) -> tuple[Note, ...]:
    """The same notes, velocity scaled from `low` to `high` between two beats."""
    return tuple(
        replace(
            note,
            velocity=note.velocity * float(np.interp(note.start, (start, end), (low, high))),
        )
        for note in notes
    )
