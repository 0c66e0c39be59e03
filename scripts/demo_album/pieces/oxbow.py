"""Oxbow: a jazz waltz for electric piano, vibraphone, double bass and brushes. B flat, 132."""

from __future__ import annotations

from scripts.demo_album.drums import brush, hat, kick, rim
from scripts.demo_album.keys import electric_piano, vibraphone
from scripts.demo_album.plucked import upright_bass
from scripts.demo_album.score import Note, Part, Piece, bars, chord, hits, hold, line, strum

# Root, and the rootless voicing that the right hand plays over it.
_CHANGES = (
    ("Bb1", "D4 F4 A4 C5"),
    ("G2", "F3 Bb3 D4 A4"),
    ("C2", "Eb4 G4 Bb4 D5"),
    ("F2", "Eb4 G4 A4 D5"),
    ("D2", "F4 A4 C5 E5"),
    ("G2", "F4 B4 Eb5 Ab5"),
    ("C2", "Eb4 G4 Bb4 D5"),
    ("F2", "Eb4 A4 C5 G5"),
    ("Bb1", "D4 F4 A4 C5"),
    ("Bb1", "D4 F4 Ab4 C5"),
    ("Eb2", "D4 G4 Bb4 F5"),
    ("Eb2", "Db4 Gb4 Bb4 F5"),
    ("D2", "C4 F4 A4 E5"),
    ("G2", "B3 F4 Ab4 Eb5"),
    ("C2", "Bb3 Eb4 G4 D5"),
    ("F2", "A3 Eb4 G4 D5"),
)
_TUNE = (
    "F5:2 D5:1 C5:1.5 D5:.5 F5:1 G5:2 Eb5:1 D5:3 A5:2 F5:1 Eb5:1.5 D5:.5 B4:1 "
    "C5:1 D5:1 Eb5:1 G5:3 F5:2 D5:1 C5:1.5 Ab4:.5 C5:1 Bb4:1 D5:1 G5:1 Gb5:2 F5:1 "
    "E5:1.5 D5:.5 C5:1 B4:1.5 Ab4:.5 B4:1 D5:1.5 C5:.5 Bb4:1 A4:2 -:1"
)
_SOLO = (
    "-:1 F4:.5 A4:.5 C5:.5 D5:.5 F5:1 D5:.5 C5:.5 Bb4:.5 A4:.5 G4:.5 Bb4:.5 D5:.5 Eb5:.5 G5:1 "
    "A5:.5 G5:.5 Eb5:.5 C5:.5 A4:1 -:1 A5:.5 C6:.5 A5:.5 F5:.5 E5:.5 Eb5:.5 D5:.5 B4:.5 Ab4:1 "
    "G4:.5 Bb4:.5 C5:.5 Eb5:.5 D5:1 F5:3 "
    "D5:.5 F5:.5 A5:.5 C6:.5 Bb5:1 Ab5:.5 F5:.5 D5:.5 C5:.5 Bb4:1 G4:.5 Bb4:.5 D5:1 F5:1 "
    "Gb5:1 F5:.5 Db5:.5 Bb4:1 A4:.5 C5:.5 E5:.5 G5:.5 F5:1 Eb5:.5 D5:.5 B4:.5 Ab4:.5 G4:1 "
    "Bb4:1 D5:.5 C5:1.5 Bb4:3"
)
_SWING = 1 / 6  # how late a written off-beat is played, beats


def compose() -> Piece:
    """Two choruses, the tune and a solo, and a turn to the last chord."""
    chorus = 3.0 * len(_CHANGES)
    beats = 4.0 + 2 * chorus + 3.0
    starts = (3.0, 3.0 + chorus)
    tune = bars(_swung(line(_TUNE, velocity=0.7)), starts[:1])
    solo = bars(_swung(line(_SOLO, velocity=0.75, legato=0.8)), starts[1:])
    last = 3.0 + 2 * chorus
    ending = strum(chord("D4 F4 A4 C5 G5"), last, 4.5, 0.6, 0.05)
    pickup = line("C5:.5 D5:.5 Eb5:.5 E5:.5", at=1.0, velocity=0.55)
    measures = [start + 3.0 * bar for start in starts for bar in range(len(_CHANGES))]
    return Piece(
        bpm=132,
        beats=beats,
        seed=44,
        lufs=-16.5,
        tail_s=3.5,
        room_s=1.3,
        parts=(
            Part(electric_piano, (*_comping(starts), *ending), gain_db=-6, pan=-0.2, reverb=0.15),
            Part(vibraphone, (*pickup, *tune, *solo), gain_db=-4, pan=0.3, reverb=0.3),
            Part(
                upright_bass(), (*_walking(starts), Note(last, 4, 34, 0.7)), gain_db=0, reverb=0.08
            ),
            Part(
                brush,
                bars(line("C4:1.2 C4:1 C4:.8", velocity=0.6), measures),
                gain_db=-12,
                pan=0.15,
                reverb=0.2,
                loose_s=0.015,
            ),
            Part(
                hat,
                bars(hits(".x.x", 0.0, step=1.0, velocity=0.5)[:1], measures),
                gain_db=-17,
                pan=-0.3,
            ),
            Part(hat, tuple(Note(at + 2, 0.3, 60, 0.45) for at in measures), gain_db=-17, pan=-0.3),
            Part(kick, tuple(Note(at, 0.5, 60, 0.35) for at in measures), gain_db=-13),
            Part(
                rim,
                tuple(Note(at + 1.5 + _SWING, 0.2, 60, 0.4) for at in measures[3::4]),
                gain_db=-13,
                pan=0.2,
                reverb=0.3,
            ),
        ),
    )


def _swung(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return tuple(note.moved(_SWING) if note.start % 1 == 0.5 else note for note in notes)


def _comping(starts: tuple[float, ...]) -> tuple[Note, ...]:
    notes: list[Note] = []
    rhythms = (((0.0, 1.4), (1.5 + _SWING, 1.2)), ((1.0, 1.6),), ((0.0, 0.8), (2.0, 0.8)))
    for chorus, start in enumerate(starts):
        for bar, (_, voicing) in enumerate(_CHANGES):
            for beat, length in rhythms[(bar + chorus) % 3]:
                notes += hold(chord(voicing), start + 3.0 * bar + beat, length, 0.5)
    return tuple(notes)


def _walking(starts: tuple[float, ...]) -> tuple[Note, ...]:
    notes: list[Note] = []
    roots = [chord(root)[0] + 12 for root, _ in _CHANGES]
    for chorus, start in enumerate(starts):
        for bar, root in enumerate(roots):
            at = start + 3.0 * bar
            goal = roots[(bar + 1) % len(roots)]
            if chorus == 0:
                notes += [Note(at, 1.9, root, 0.75), Note(at + 2, 0.8, root + 7, 0.55)]
            else:
                approach = goal + (1 if goal < root else -1)
                middle = root + (7 if bar % 2 else 4)
                notes += _one_a_beat((root, middle, approach), at)
    return tuple(notes)


def _one_a_beat(pitches: tuple[int, ...], at: float) -> tuple[Note, ...]:
    return tuple(
        Note(at + beat, 0.9, one, 0.75 if beat == 0 else 0.62) for beat, one in enumerate(pitches)
    )
