"""Sustained choirs of oscillators, made in the frequency domain.

Each harmonic is not a line but a narrow hump with random phases, as if dozens of players were
slightly out of tune with each other (the PADsynth idea of N. O. Paul); one inverse FFT gives
a loop without a seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scripts.demo_album.dsp import (
    Signal,
    harmonics,
    phase,
    ramps,
    read,
    seconds,
    sine,
    table,
    time,
)
from scripts.demo_album.score import Tone

# Center and width in Hz, and strength, of the resonances of a sung vowel.
Formants = tuple[tuple[float, float, float], ...]
AH: Formants = ((700, 110, 1.0), (1150, 130, 0.5), (2600, 200, 0.25), (3300, 260, 0.12))
OH: Formants = ((430, 90, 1.0), (800, 110, 0.45), (2500, 200, 0.14), (3200, 260, 0.08))
OO: Formants = ((320, 80, 1.0), (700, 100, 0.25), (2300, 200, 0.06), (3100, 260, 0.04))
EE: Formants = ((290, 70, 1.0), (2200, 160, 0.4), (2900, 200, 0.3), (3500, 260, 0.12))


def resonance(hz: Signal, formants: Formants) -> Signal:
    """How strongly a mouth in that shape sounds at these frequencies."""
    gain = np.full(hz.shape, 0.015, dtype=np.float32)
    for center, width, strength in formants:
        gain += np.float32(strength) / (1 + ((hz - center) / width) ** 2)
    return gain.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Pad:
    """A section of players. Call it to sound a tone in stereo."""

    tilt: float = 1.3  # amplitude of harmonic n is 1/n^tilt
    width: float = 0.006  # how far out of tune they are, as a fraction of the pitch
    rise_s: float = 0.8
    fall_s: float = 1.2
    formants: Formants | None = None
    shimmer_hz: float = 0.13  # how slowly the two sides breathe

    def __call__(self, tone: Tone) -> Signal:
        """The section's sound, stereo."""
        count = seconds(tone.length_s + self.fall_s, tone.rate)
        loop = _loop(self, tone.hz, tone.rate)
        start = tone.seed * 7919 % loop.shape[1]
        whole = -(-(start + count) // loop.shape[1])
        out = np.tile(loop, whole)[:, start : start + count]
        rise = seconds(min(self.rise_s, tone.length_s * 0.7), tone.rate)
        out *= ramps(count, rise, seconds(self.fall_s, tone.rate))
        sway = sine(phase(self.shimmer_hz, count, tone.rate) + (tone.seed % 16) / 16)
        out[0] *= 1 + np.float32(0.18) * sway
        out[1] *= 1 - np.float32(0.18) * sway
        return out * np.float32(0.2 * tone.velocity)


@lru_cache(maxsize=64)
def _loop(pad: Pad, hz: float, rate: int) -> Signal:
    """Two to six seconds of that pitch, stereo, that follow themselves without a seam."""
    size = 1 << (rate * 2).bit_length()
    bin_hz = rate / size
    amplitudes = harmonics(hz, rate, tilt=pad.tilt, limit=40)
    if pad.formants is not None:
        numbers = np.arange(1, len(amplitudes) + 1, dtype=np.float32)
        amplitudes = amplitudes * resonance(numbers * np.float32(hz), pad.formants)
    magnitude = np.zeros(size // 2 + 1, dtype=np.float32)
    for number, amplitude in enumerate(amplitudes, start=1):
        center = hz * number
        spread = max(center * pad.width / 2, bin_hz)
        low = max(1, int((center - 4 * spread) / bin_hz))
        high = min(len(magnitude), int((center + 4 * spread) / bin_hz) + 2)
        around = np.arange(low, high) * bin_hz
        hump = np.exp(-0.5 * ((around - center) / spread) ** 2) / np.sqrt(spread)
        magnitude[low:high] += (amplitude * hump).astype(np.float32)
    return _with_random_phases(magnitude, round(hz * 1000))


def _with_random_phases(magnitude: Signal, seed: int) -> Signal:
    circle = np.exp(np.arange(1024) * (2j * np.pi / 1024)).astype(np.complex64)
    phases = np.random.default_rng(seed).integers(1024, size=(2, len(magnitude)), dtype=np.uint16)
    loop = np.fft.irfft(magnitude * circle[phases]).astype(np.float32, copy=False)
    loop /= np.sqrt(np.mean(loop**2)) * np.float32(3)
    return loop


STRINGS = Pad(tilt=1.25, width=0.007, rise_s=0.5, fall_s=0.9)
WARM = Pad(tilt=1.9, width=0.01, rise_s=1.2, fall_s=1.8)
CHOIR = Pad(tilt=0.9, width=0.008, rise_s=0.7, fall_s=1.2, formants=AH)
HUM = Pad(tilt=1.0, width=0.007, rise_s=0.9, fall_s=1.4, formants=OO)


@dataclass(frozen=True, slots=True)
class Singer:
    """One voice that moves between two vowels in each note, with a vibrato that grows."""

    first: Formants = OO
    then: Formants = AH

    def __call__(self, tone: Tone) -> Signal:
        """The sung note, mono."""
        count = seconds(tone.length_s + 0.15, tone.rate)
        now = time(count, tone.rate)
        late = np.clip((now - 0.3) / 0.6, 0, 1)
        wobble = 1 + np.float32(0.011) * late * sine(phase(5.4, count, tone.rate))
        scoop = 1 - np.float32(0.03) * np.exp2(-now / np.float32(0.035))
        turns = phase((np.float32(tone.hz) * wobble * scoop).astype(np.float32), count, tone.rate)
        source = harmonics(tone.hz, tone.rate, tilt=1.15, limit=48)
        hz = np.arange(1, len(source) + 1, dtype=np.float32) * np.float32(tone.hz)
        first = read(table(source * resonance(hz, self.first)), turns)
        then = read(table(source * resonance(hz, self.then)), turns)
        blend = np.clip(now / np.float32(max(0.15, 0.4 * tone.length_s)), 0, 1)
        voice = first + blend * (then - first)
        voice *= ramps(count, seconds(0.07, tone.rate), seconds(0.15, tone.rate))
        out: Signal = voice.astype(np.float32) * np.float32(0.4 * tone.velocity)
        return out
