from __future__ import annotations

import pytest

from scripts.demo_album.score import Note, arpeggio, bars, chord, hertz, hits, line, pitch, swell


@pytest.mark.parametrize(
    ("name", "midi"), [("C4", 60), ("A4", 69), ("F#3", 54), ("Bb5", 82), ("C-1", 0)]
)
def test_pitch_names_are_midi_numbers(name: str, midi: int) -> None:
    assert pitch(name) == midi


@pytest.mark.parametrize("name", ["H4", "C", "c4", "C##4", ""])
def test_what_is_no_pitch_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a pitch"):
        pitch(name)


def test_an_octave_doubles_the_frequency() -> None:
    assert hertz(69) == 440
    assert hertz(81) == 880


def test_a_line_is_placed_note_after_note() -> None:
    assert line("A4:1.5 -:.5 B4", at=4, legato=1) == (Note(4, 1.5, 69), Note(6, 1, 71))


def test_an_arpeggio_goes_on_above_its_chord() -> None:
    notes = arpeggio(chord("C4 E4 G4"), (0, None, 3), 0.0, 0.5)
    assert [(note.start, note.pitch) for note in notes] == [(0.0, 60), (1.0, 72)]


def test_hits_are_read_from_a_pattern() -> None:
    notes = hits("x.|og", 2.0, velocity=1)
    assert [(note.start, note.velocity) for note in notes] == [(2, 1), (2.5, 0.66), (2.75, 0.33)]


def test_bars_repeat_and_swells_rise() -> None:
    notes = swell(bars((Note(0, 1, 60, 0.5),), (0, 4, 8)), 0, 8, 0, 1)
    assert [(note.start, note.velocity) for note in notes] == [(0, 0), (4, 0.25), (8, 0.5)]
