"""From parts to a stereo mix: every note sounded, panned, and sent to one room and one echo."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scripts.demo_album.dsp import Signal, fast_length, filtered, noise, seconds
from scripts.demo_album.score import Note, Part, Piece, Tone, hertz

_VARIANTS = 3  # different strokes of the same note, taken in turn


def mix(piece: Piece, rate: int) -> Signal:
    """The whole piece before mastering, stereo, at that sampling rate."""
    count = seconds(piece.duration_s, rate)
    dry = np.zeros((2, count), dtype=np.float32)
    room = np.zeros_like(dry)
    echo = np.zeros_like(dry)
    for index, part in enumerate(piece.parts):
        stem, first, last = _sound(part, piece, rate, piece.seed * 1000 + index)
        where = slice(first, last)
        dry[:, where] += stem
        if part.reverb:
            room[:, where] += np.float32(part.reverb) * stem
        if part.echo:
            echo[:, where] += np.float32(part.echo) * stem
    echoes = ping_pong(echo, seconds(piece.echo_beats * 60 / piece.bpm, rate))
    room += np.float32(0.35) * echoes
    return dry + echoes + reverberated(room, rate, piece.room_s, piece.seed)


def _sound(part: Part, piece: Piece, rate: int, seed: int) -> tuple[Signal, int, int]:
    """A part's own sound, and the samples from and to which it lasts."""
    stem = np.zeros((2, seconds(piece.duration_s, rate)), dtype=np.float32)
    gain = 10 ** (part.gain_db / 20)
    angle = (part.pan + 1) * np.pi / 4
    sides = np.array([[np.cos(angle)], [np.sin(angle)]]) * np.sqrt(2) * gain
    hand = np.random.default_rng(seed)
    beat_s = 60 / piece.bpm
    sounded: dict[tuple[int, float, float, int], Signal] = {}
    first, last = stem.shape[1], 0
    for index, note in enumerate(sorted(part.notes, key=lambda one: (one.start, one.pitch))):
        velocity = float(np.clip(note.velocity * hand.uniform(0.93, 1.07), 0.1, 1))
        key = (note.pitch, round(note.length, 3), round(velocity, 1), index % _VARIANTS)
        if key not in sounded:
            sounded[key] = part.voice(_tone(note, key, beat_s, rate, seed))
        # The exact velocity is a gain; only the color comes from the rounded one.
        level = (sides * velocity / key[2]).astype(np.float32)
        start = seconds(note.start * beat_s + hand.uniform(0, part.loose_s), rate)
        end = min(stem.shape[1], start + sounded[key].shape[-1])
        stem[:, start:end] += level * sounded[key][..., : max(0, end - start)]
        first, last = min(first, start), max(last, end)
    return stem[:, first:last], first, max(first, last)


def _tone(
    note: Note, key: tuple[int, float, float, int], beat_s: float, rate: int, seed: int
) -> Tone:
    own = seed * 31 + note.pitch * 7 + key[3]
    return Tone(hertz(note.pitch), note.length * beat_s, key[2], rate, own)


def ping_pong(signal: Signal, delay: int, taps: int = 5) -> Signal:
    """Echoes that change sides, each 6 dB softer than the one before."""
    out = np.zeros_like(signal)
    if not signal.any():
        return out
    for tap in range(1, taps + 1):
        shift = min(delay * tap, signal.shape[1])
        source = signal[:: -1 if tap % 2 else 1, : signal.shape[1] - shift]
        out[:, shift:] += np.float32(0.5**tap) * source
    return out


def reverberated(signal: Signal, rate: int, reverb_s: float, seed: int) -> Signal:
    """What a room answers: the signal convolved with a response of our own making."""
    response = room_response(rate, reverb_s, seed)
    count = signal.shape[1]
    size = fast_length(count + response.shape[1])
    wet = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)
    return wet[:, :count].astype(np.float32, copy=False)


def room_response(rate: int, reverb_s: float, seed: int) -> Signal:
    """An impulse response: a few early reflections, then noise whose high end dies first.

    `reverb_s` is the time to fall by 60 dB at low frequencies; the highest take a third of it.
    """
    count = seconds(reverb_s * 1.1, rate)
    now = np.arange(count, dtype=np.float32) / np.float32(rate)
    size = fast_length(count)
    hz = np.fft.rfftfreq(size, 1 / rate).astype(np.float32)
    out = np.zeros((2, count), dtype=np.float32)
    edges = (150.0, 700.0, 2200.0, 6000.0, 16000.0)
    for band, (low, high) in enumerate(pairwise(edges)):
        mask = 1 / np.sqrt((1 + (low / np.maximum(hz, 1)) ** 4) * (1 + (hz / high) ** 4))
        fall = np.power(np.float32(10), -3 * now / np.float32(reverb_s / (1 + 0.65 * band)))
        for side in range(2):
            grain = noise(count, seed * 97 + band * 2 + side)
            out[side] += filtered(grain, mask.astype(np.float32), size) * fall
    out *= np.minimum(now / np.float32(0.02), 1)
    early = np.random.default_rng(seed)
    for _ in range(7):
        at = seconds(early.uniform(0.008, 0.06), rate)
        out[early.integers(2), at] += early.uniform(2, 5)
    out *= np.float32(0.9) / np.sqrt(np.sum(out**2, axis=1, keepdims=True))
    return out
