"""Tributaries and Confluence: one composition, cut in two where the second river joins.

E minor, 100 beats a minute: four streams of running notes enter one by one, then flow together
in G major with the whole band. The cut falls inside ringing sound, so a player that leaves a gap
is heard at once.
"""

from __future__ import annotations

from scripts.demo_album.drums import crash, hat, kick, open_hat, riser, snare, tom
from scripts.demo_album.keys import bell, piano, pulse, synth_bass
from scripts.demo_album.pads import CHOIR, STRINGS, WARM
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
    swell,
)

CUT_BEAT = 80.0  # where Tributaries ends and Confluence begins

_MINOR = ("E3 B3 E4 G4", "C3 G3 E4 B4", "A2 E3 C4 G4", "B2 F#3 D4 A4")
_BRIGHT = ("G2 D3 B3 D4", "D3 A3 D4 F#4", "C3 G3 C4 E4", "E3 B3 E4 G4")
_LAST = ("C3 G3 C4 E4", "D3 A3 D4 F#4", "G2 D3 G3 B3")
_FIRST_RIVER = tuple(chord(text) for text in _MINOR * 5)
_SECOND_RIVER = tuple(chord(text) for text in (*_BRIGHT * 5, *_LAST))
_CHORDS = _FIRST_RIVER + _SECOND_RIVER
_SIXTEENTHS = (0, 2, 1, 3, 2, 4, 3, 5, 4, 2, 3, 1, 2, 0, 1, 2)
_EIGHTHS = (0, None, 2, 3, None, 1, 4, 2)
_CALL = "E5:1.5 D5:.5 B4:2 G4:1 A4:.5 B4:2.5 C5:1.5 B4:.5 A4:1 E5:1 D5:1.5 A4:.5 F#4:2"
_THEME = (
    "B5:1.5 A5:.5 G5:1 D5:1 F#5:1.5 E5:.5 D5:2 E5:1 G5:1 C6:1 B5:1 B5:1.5 G5:.5 E5:1 D5:1 "
    "D6:1.5 B5:.5 G5:1 B5:1 A5:1.5 F#5:.5 D5:1 F#5:1 G5:1 A5:.5 G5:.5 E5:1 G5:1 E5:3 D5:1"
)


def compose() -> Piece:
    """Forty-three bars, twenty of them the first river."""
    beats = 4.0 * len(_CHORDS)
    return Piece(
        bpm=100,
        beats=beats,
        seed=33,
        lufs=-13.5,
        tail_s=6.0,
        room_s=2.8,
        parts=(*_streams(), *_ground(), *_voices(beats), *_drums(beats)),
    )


def _streams() -> tuple[Part, ...]:
    fast: list[Note] = []
    slow: list[Note] = []
    sparse: list[Note] = []
    for bar, voicing in enumerate(_CHORDS[:-1]):
        at = bar * 4.0
        high = tuple(one + 12 for one in voicing)
        if bar >= 4:
            fast += arpeggio(voicing, _SIXTEENTHS, at, 0.25, velocity=0.7, ring=0.9)
        slow += arpeggio(high, _EIGHTHS, at, 0.5, velocity=0.55, ring=2)
        if bar >= 12:
            sparse += arpeggio(high, (3, None, None, 5, None, None, 4, None), at, 0.5, velocity=0.5)
    return (
        Part(pulse, swell(fast, 16, 80, 0.35, 1.0), gain_db=-11, pan=0.4, reverb=0.15, echo=0.25),
        Part(guitar(), swell(slow, 0, 64, 0.7, 1.0), gain_db=-7, pan=-0.4, reverb=0.25, echo=0.15),
        Part(bell, tuple(sparse), gain_db=-15, pan=0.65, reverb=0.5, echo=0.4),
    )


def _ground() -> tuple[Part, ...]:
    beds: list[Note] = []
    bass: list[Note] = []
    for bar, voicing in enumerate(_CHORDS):
        at = bar * 4.0
        beds += hold(voicing, at, 4.0, 0.6)
        root = voicing[0] - 12 if voicing[0] > 45 else voicing[0]
        if bar >= 20:
            bass += [
                Note(at + step * 0.5, 0.45, root + 12 * (step % 4 == 3), 0.75) for step in range(8)
            ]
        elif bar >= 8:
            bass += [Note(at, 2.8, root, 0.6), Note(at + 3, 0.9, root, 0.5)]
    final = hold(chord("G1 D2 G2 D3 B3"), 4.0 * len(_CHORDS), 3.0, 0.6)
    return (
        Part(WARM, tuple(beds[:80]), gain_db=-12, reverb=0.4),
        Part(STRINGS, swell((*beds[48:], *final), 48, 84, 0.4, 1.0), gain_db=-10, reverb=0.35),
        Part(synth_bass, tuple(bass), gain_db=-5.5, reverb=0.02),
    )


def _voices(beats: float) -> tuple[Part, ...]:
    call = line(_CALL, velocity=0.6)
    theme = line(_THEME, velocity=0.8)
    choir = [
        note
        for bar in range(28, len(_CHORDS))
        for note in hold(tuple(one + 12 for one in _CHORDS[bar][1:]), bar * 4.0, 4.0, 0.6)
    ]
    doubled = tuple(Note(one.start, one.length, one.pitch - 12, one.velocity) for one in theme)
    last = hold(chord("G2 D3 G3 B3 D4 G4"), beats - 4, 6.0, 0.7)
    return (
        Part(
            piano, (*bars(call, (32.0, 64.0)), *last), gain_db=-3, pan=-0.1, reverb=0.35, echo=0.2
        ),
        Part(piano, bars(theme, (80.0, 128.0)), gain_db=-2, pan=0.05, reverb=0.3, echo=0.15),
        Part(STRINGS, bars(doubled, (128.0,)), gain_db=-8, pan=-0.2, reverb=0.4),
        Part(CHOIR, tuple(choir), gain_db=-12, reverb=0.5),
    )


def _drums(beats: float) -> tuple[Part, ...]:
    early = [bar * 4.0 for bar in range(12, 20)]
    full = [bar * 4.0 for bar in range(20, len(_CHORDS) - 1)]
    ticks = swell(
        bars(hits("..g...o...g...o.", 0.0), [bar * 4.0 for bar in range(8, 20)]), 32, 80, 0.5, 1
    )
    turns = (78.0, 110.0, 142.0, beats - 6)
    return (
        Part(kick, bars(hits("x...x...x...x...", 0.0, velocity=0.6), early), gain_db=-6),
        Part(kick, bars(hits("x..o..x.x..o....", 0.0), full), gain_db=-3.5, reverb=0.03),
        Part(snare, bars(hits("....x.......x..g", 0.0), full), gain_db=-7, reverb=0.2),
        Part(hat, (*ticks, *bars(hits("xgogxgogxgogxgo.", 0.0), full)), gain_db=-16, pan=0.25),
        Part(open_hat, bars(hits("..............x.", 0.0), full), gain_db=-18, pan=0.25),
        Part(tom, bars(hits("xx.xx.xx", 0.0, velocity=0.75), turns), gain_db=-6, reverb=0.25),
        Part(
            crash,
            tuple(Note(at, 1, 60, 0.8) for at in (80.0, 112.0, 144.0, beats - 4)),
            gain_db=-14,
            pan=-0.25,
            reverb=0.25,
        ),
        Part(riser, (Note(72.0, 8.0, 60, 0.7),), gain_db=-12, reverb=0.3),
    )
