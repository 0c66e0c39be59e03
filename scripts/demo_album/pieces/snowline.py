"""Snowline: harp and bells over slow chords. D lydian, 60 beats a minute, no drums."""

from __future__ import annotations

from scripts.demo_album.keys import bell, piano
from scripts.demo_album.pads import HUM, WARM
from scripts.demo_album.plucked import harp
from scripts.demo_album.score import Note, Part, Piece, arpeggio, bars, chord, hold, line

# A chord to a bar of four; the raised fourth (G#) is what makes it bright and cold.
_CHORDS = tuple(
    chord(text)
    for text in (
        "D3 A3 E4 F#4",
        "E3 B3 D4 G#4",
        "B2 F#3 D4 E4",
        "G#2 E3 B3 F#4",
        "D3 A3 C#4 F#4",
        "E3 B3 D4 A4",
        "F#3 C#4 E4 A4",
        "G3 D4 F#4 B4",
        "D3 A3 E4 F#4",
        "E3 G#3 D4 B4",
        "B2 F#3 D4 A4",
        "D3 A3 E4 F#4",
    )
)
_RISING = (0, 1, 2, 3, 4, 3, 2, 1)
_OPEN = (0, 2, 1, 3, 5, 4, 6, 3)
_MELODY = (
    "-:8 A5:1.5 G#5:.5 F#5:2 E5:1 F#5:1 B5:2 "
    "A5:1.5 C#6:.5 F#5:2 E5:1.5 D5:.5 A5:2 G#5:1 F#5:1 E5:2 D6:1.5 B5:.5 A5:1 F#5:1 "
    "E5:1 F#5:1 A5:2 B5:1.5 G#5:.5 E5:2 D5:1 F#5:1 A5:2 F#5:4"
)


def compose() -> Piece:
    """Twelve bars and a last chord that rings out."""
    beats = 4.0 * len(_CHORDS)
    figure: list[Note] = []
    for bar, voicing in enumerate(_CHORDS):
        pattern = _OPEN if 4 <= bar < 10 else _RISING
        figure += arpeggio(voicing, pattern, bar * 4.0, 0.5, velocity=0.5 + 0.03 * (bar % 4))
    beds = [
        note for bar, voicing in enumerate(_CHORDS) for note in hold(voicing, bar * 4.0, 4.0, 0.6)
    ]
    last = hold(chord("D2 A2 D3 F#3 E4"), beats, 3.0, 0.5)
    roots = tuple(
        Note(bar * 4.0, 3.8, voicing[0] - 12, 0.55) for bar, voicing in enumerate(_CHORDS)
    )
    drops = bars(line("F#6:.5 A6:.5 E6:3", velocity=0.35), (14.0, 30.0, 46.0))
    return Piece(
        bpm=60,
        beats=beats,
        seed=11,
        lufs=-19.0,
        tail_s=7.0,
        room_s=4.5,
        parts=(
            Part(WARM, (*beds, *last), gain_db=-9, reverb=0.4),
            Part(HUM, tuple(beds[16:40]), gain_db=-14, reverb=0.6),
            Part(harp(), (*figure, *last), gain_db=-3, pan=-0.25, reverb=0.45, echo=0.2),
            Part(bell, line(_MELODY, velocity=0.55), gain_db=-8, pan=0.3, reverb=0.6, echo=0.35),
            Part(bell, drops, gain_db=-14, pan=-0.6, reverb=0.8, echo=0.5),
            Part(piano, roots, gain_db=-5, reverb=0.35),
        ),
    )
