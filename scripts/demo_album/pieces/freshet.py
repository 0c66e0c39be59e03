"""Freshet: a folk tune for two guitars, bass, drums and flute. G major, 112 beats a minute."""

from __future__ import annotations

from scripts.demo_album.drums import crash, hat, kick, rim, shaker, snare, tom
from scripts.demo_album.keys import flute, synth_bass
from scripts.demo_album.pads import STRINGS
from scripts.demo_album.plucked import guitar
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
    strum,
    swell,
)

_VERSE = ("G2 D3 G3 B3 D4 G4", "D3 A3 D4 F#4 A4", "E2 B2 E3 G3 B3 E4", "C3 G3 C4 E4 G4")
_CHORUS = ("C3 G3 C4 E4 G4", "D3 A3 D4 F#4 A4", "E2 B2 E3 G3 B3 E4", "G2 D3 G3 B3 D4 G4")
# Intro, verse, chorus, verse, chorus, ending: a chord to a bar.
_FORM = (*_VERSE, *_VERSE, *_CHORUS, *_CHORUS, *_VERSE, *_CHORUS, *_CHORUS[:3], "G2 D3 G3 B3 D4 G4")
_PICKING = (0, 3, 2, 4, 1, 3, 2, 4)
_VERSE_TUNE = (
    "B4:1 D5:.5 G5:1.5 F#5:.5 E5:.5 D5:1.5 A4:.5 B4:.5 A4:1.5 "
    "G4:1 B4:.5 E5:1.5 D5:.5 B4:.5 C5:1 E5:1 D5:2"
)
_CHORUS_TUNE = (
    "G5:1.5 E5:.5 C5:1 E5:1 F#5:1.5 D5:.5 A4:1 D5:1 G5:1 F#5:.5 E5:1.5 B4:1 D5:3 -:1 "
    "G5:1.5 E5:.5 G5:1 A5:1 A5:1.5 F#5:.5 D5:1 F#5:1 B5:1 A5:.5 G5:1.5 E5:1 D5:4"
)


def compose() -> Piece:
    """Twenty-eight bars: it starts on one guitar and everybody joins."""
    chords = tuple(chord(text) for text in _FORM)
    beats = 4.0 * len(chords)
    chorus = (8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25, 26)
    return Piece(
        bpm=112,
        beats=beats,
        seed=22,
        lufs=-14.0,
        tail_s=3.0,
        room_s=1.6,
        parts=(
            Part(guitar(), _picked(chords), gain_db=-4, pan=-0.45, reverb=0.15),
            Part(guitar(), _strummed(chords, chorus), gain_db=-9, pan=0.5, reverb=0.15),
            Part(synth_bass, _bass(chords), gain_db=-5, reverb=0.02),
            Part(flute, _tune(), gain_db=-3, pan=0.12, reverb=0.4, echo=0.12),
            Part(STRINGS, _beds(chords, chorus), gain_db=-12, reverb=0.4),
            *_drums(beats),
        ),
    )


def _picked(chords: tuple[tuple[int, ...], ...]) -> tuple[Note, ...]:
    notes: list[Note] = []
    for bar, voicing in enumerate(chords[:-1]):
        notes += arpeggio(voicing, _PICKING, bar * 4.0, 0.5, velocity=0.75, ring=2.5)
    return (*notes, *strum(chords[-1], 4.0 * (len(chords) - 1), 5.0, 0.8, 0.06))


def _strummed(chords: tuple[tuple[int, ...], ...], where: tuple[int, ...]) -> tuple[Note, ...]:
    notes: list[Note] = []
    for bar in where:
        for beat, velocity in ((0, 0.8), (1, 0.55), (1.5, 0.4), (2.5, 0.6), (3, 0.6), (3.5, 0.4)):
            up = beat % 1 != 0
            voicing = chords[bar][::-1][:4] if up else chords[bar]
            notes += strum(voicing, bar * 4.0 + beat, 0.7, velocity, 0.025)
    return tuple(notes)


def _bass(chords: tuple[tuple[int, ...], ...]) -> tuple[Note, ...]:
    notes: list[Note] = []
    for bar, voicing in enumerate(chords):
        if bar < 4:
            continue
        root = voicing[0] if voicing[0] < 48 else voicing[0] - 12
        at = bar * 4.0
        notes += [Note(at, 1.4, root, 0.8), Note(at + 1.5, 0.4, root, 0.55)]
        notes += [Note(at + 2, 1.4, root, 0.75), Note(at + 3.5, 0.45, root + 7, 0.6)]
    return tuple(notes)


def _tune() -> tuple[Note, ...]:
    verse, chorus = line(_VERSE_TUNE, velocity=0.65), line(_CHORUS_TUNE, velocity=0.8)
    return (*bars(verse, (16.0, 64.0)), *bars(chorus, (32.0,)), *bars(chorus, (80.0,)))


def _beds(chords: tuple[tuple[int, ...], ...], where: tuple[int, ...]) -> tuple[Note, ...]:
    return tuple(note for bar in where for note in hold(chords[bar][-3:], bar * 4.0, 4.0, 0.6))


def _drums(beats: float) -> tuple[Part, ...]:
    groove = [bar * 4.0 for bar in range(8, 16)] + [bar * 4.0 for bar in range(20, 27)]
    light = [bar * 4.0 for bar in range(4, 8)] + [bar * 4.0 for bar in range(16, 20)]
    fill = hits("x.xxx.xx", 0.0, velocity=0.7)
    return (
        Part(kick, bars(hits("x.....x.x.....g.", 0.0), groove), gain_db=-4, reverb=0.03),
        Part(kick, bars(hits("x.......x.......", 0.0, velocity=0.6), light), gain_db=-5),
        Part(snare, bars(hits("....x..g....x...", 0.0), groove), gain_db=-8, reverb=0.18),
        Part(rim, bars(hits("....x.......x...", 0.0), light), gain_db=-8, reverb=0.25),
        Part(hat, bars(hits("x.o.x.o.x.o.x.oo", 0.0), groove), gain_db=-16, pan=0.3),
        Part(
            shaker, bars(hits("xgogxgogxgogxgog", 0.0), (*light, *groove)), gain_db=-15, pan=-0.35
        ),
        Part(tom, bars(fill, (30.0, 78.0)), gain_db=-8, reverb=0.2),
        Part(
            crash,
            (Note(32.0, 1, 60, 0.7), Note(80.0, 1, 60, 0.7), Note(beats - 4, 1, 60, 0.8)),
            gain_db=-15,
            pan=-0.2,
            reverb=0.2,
        ),
        Part(
            shaker,
            swell(bars(hits("x.x.x.x.x.x.x.x.", 0.0), (8.0, 12.0)), 8, 16, 0.2, 0.9),
            gain_db=-17,
            pan=-0.35,
        ),
    )
