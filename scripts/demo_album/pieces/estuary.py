"""Estuary: a song for voice, piano and choir. F major, 72 beats a minute.

The singer has vowels and no consonants; the words are in `WORDS`, timed by the score, and go
into the file as synchronized lyrics.
"""

from __future__ import annotations

from scripts.demo_album.drums import kick, shaker, tom
from scripts.demo_album.keys import piano
from scripts.demo_album.pads import AH, CHOIR, OH, OO, STRINGS, WARM, Singer
from scripts.demo_album.plucked import upright_bass
from scripts.demo_album.score import (
    Note,
    Part,
    Piece,
    arpeggio,
    bars,
    chord,
    hits,
    hold,
    line,
    swell,
)

BPM = 72.0
_CHORDS = tuple(
    chord(text)
    for text in (
        "F2 C3 A3 C4", "C3 G3 C4 E4", "D3 A3 D4 F4", "Bb2 F3 A3 D4",
        "F2 C3 A3 C4", "A2 E3 G3 C4", "Bb2 F3 D4 F4", "C3 G3 Bb3 E4",
        "D3 A3 D4 F4", "Bb2 F3 D4 F4", "F2 C3 A3 C4", "C3 G3 C4 E4",
        "D3 A3 D4 F4", "G2 D3 Bb3 F4", "Bb2 F3 D4 G4", "C3 G3 C4 E4",
        "F2 C3 A3 C4", "Bb2 F3 A3 D4",
    )
)  # fmt: skip
# Bar at which a line of the song begins, its words, its notes.
_SONG = (
    (2, "Snow remembers the hills it leaves", "A4:1 C5:1 D5:.75 C5:.25 A4:1 F4:1 G4:1 D4:2"),
    (4, "Carries nothing but the way down", "A4:.75 C5:.25 C5:1 F5:1.5 E5:.5 C5:1 D5:1 C5:2"),
    (6, "Stone by stone it learns to listen", "D5:1 F5:.5 D5:.5 C5:1 Bb4:1 G4:1 A4:.5 Bb4:.5 C5:2"),
    (8, "Wide is the water and wider the day", "F5:1.5 E5:.5 D5:1 A4:1 D5:1.5 F5:.5 G5:1 F5:1"),
    (10, "Slow is the river that finds a way", "A5:1.5 G5:.5 F5:1 C5:1 E5:1.5 D5:.5 C5:2"),
    (12, "All that was narrow is open at last", "F5:1.5 E5:.5 D5:1 A4:1 Bb4:1 D5:1 F5:1.5 G5:.5"),
    (14, "Salt in the evening, hills in the past", "G5:1 F5:.5 D5:1.5 F5:1 E5:1 C5:.5 D5:.5 E5:2"),
    (16, "Home", "F5:6"),
)  # fmt: skip
_BROKEN = (0, 1, 2, 3, 4, 3, 2, 1)


def words() -> tuple[tuple[float, str], ...]:
    """The lines of the song with their instants, in seconds from the start of the track."""
    return tuple((bar * 4 * 60 / BPM, text) for bar, text, _ in _SONG)


def compose() -> Piece:
    """Two bars of piano, the song, and the sea."""
    beats = 4.0 * len(_CHORDS)
    tune = [
        note
        for bar, _, notes in _SONG
        for note in line(notes, at=bar * 4.0, velocity=0.7, legato=0.98)
    ]
    refrain = tuple(note for note in tune if note.start >= 32)
    under = tuple(Note(one.start, one.length, one.pitch - 5, 0.5) for one in refrain[:-1])
    chords = [n for bar, v in enumerate(_CHORDS) for n in hold(v, bar * 4.0, 4.0, 0.6)]
    last = hold(chord("F1 F2 C3 A3 F4"), beats, 3.0, 0.55)
    return Piece(
        bpm=BPM,
        beats=beats,
        seed=55,
        lufs=-17.0,
        tail_s=6.5,
        room_s=3.6,
        parts=(
            Part(piano, (*_figure(), *last), gain_db=-4, pan=-0.12, reverb=0.3),
            Part(Singer(OO, AH), tuple(tune), gain_db=-3, reverb=0.5, echo=0.12, loose_s=0.02),
            Part(Singer(OO, OH), under, gain_db=-11, pan=0.3, reverb=0.6, loose_s=0.03),
            Part(CHOIR, tuple(chords[32:]), gain_db=-13, reverb=0.6),
            Part(WARM, (*chords[:32], *last), gain_db=-14, reverb=0.4),
            Part(STRINGS, swell((*chords[24:], *last), 24, 48, 0.4, 1.0), gain_db=-12, reverb=0.4),
            Part(upright_bass(), _bass(), gain_db=-2, reverb=0.1),
            *_drums(),
        ),
    )


def _figure() -> tuple[Note, ...]:
    notes: list[Note] = []
    for bar, voicing in enumerate(_CHORDS):
        notes += arpeggio(voicing, _BROKEN, bar * 4.0, 0.5, velocity=0.6, ring=3.5)
    return tuple(notes)


def _bass() -> tuple[Note, ...]:
    notes: list[Note] = []
    for bar, voicing in enumerate(_CHORDS[4:], start=4):
        root = voicing[0] if voicing[0] < 46 else voicing[0] - 12
        notes += [Note(bar * 4.0, 2.4, root, 0.7), Note(bar * 4.0 + 2.5, 1.4, root, 0.55)]
    return tuple(notes)


def _drums() -> tuple[Part, ...]:
    refrain = [bar * 4.0 for bar in range(8, 16)]
    return (
        Part(kick, bars(hits("x.........o.....", 0.0, velocity=0.6), refrain), gain_db=-8),
        Part(
            tom, bars(hits("........x.....gg", 0.0, velocity=0.6), refrain), gain_db=-10, reverb=0.5
        ),
        Part(
            shaker,
            bars(hits("gogxgogxgogxgogx", 0.0, velocity=0.7), refrain),
            gain_db=-19,
            pan=0.35,
            reverb=0.2,
        ),
    )
