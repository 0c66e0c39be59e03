"""Plucked strings: Karplus and Strong's algorithm, a period at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scripts.demo_album.dsp import Signal, noise, ramps, seconds, shaped
from scripts.demo_album.score import Tone


@dataclass(frozen=True, slots=True)
class String:
    """A string and how it is plucked. Call it to sound a tone."""

    brightness: float = 0.5  # 0 dull to 1 metallic
    half_s: float = 0.9  # the fundamental's decay at 220 Hz
    pluck: float = 0.18  # where along the string, a fraction of its length
    release_s: float = 0.12  # how the hand stops it

    def __call__(self, tone: Tone) -> Signal:
        """The string's sound, mono."""
        count = seconds(tone.length_s + self.release_s, tone.rate)
        period = round(tone.rate / tone.hz)
        turns = int(count / period) + 3
        raw = self._string(period, turns, tone.velocity, tone.seed)
        # A loop is a whole number of samples, and its filter delays it by a part of one: reading
        # it at another speed puts the string in tune.
        stretch = tone.hz * (period + 1 - self._kept) / tone.rate
        at = np.arange(count) * stretch
        string: Signal = np.interp(at, np.arange(len(raw)), raw).astype(np.float32)
        string *= ramps(count, 8, seconds(self.release_s, tone.rate))
        string *= np.float32(tone.velocity * 0.5)
        return string

    @property
    def _kept(self) -> float:
        """The weight of a sample in its average with its neighbor."""
        return 0.55 + 0.43 * self.brightness

    def _string(self, period: int, turns: int, velocity: float, seed: int) -> Signal:
        loop = self._excitation(period, velocity, seed)
        # Per trip around the loop: so much is lost at all frequencies ...
        loss = np.float32(0.5 ** (1 / (self.half_s * 220)))
        # ... and an average of neighbors takes more of the high ones.
        keep = np.float32(self._kept)
        out = np.empty((turns, period), dtype=np.float32)
        out[0] = loop
        for turn in range(1, turns):
            out[turn, 1:] = loss * (keep * loop[1:] + (1 - keep) * loop[:-1])
            out[turn, 0] = loss * (keep * loop[0] + (1 - keep) * loop[-1])
            loop = out[turn]
        return out.reshape(-1)

    def _excitation(self, period: int, velocity: float, seed: int) -> Signal:
        burst = noise(period, seed)
        burst -= burst.mean()
        # A harder pluck is a brighter one; the picking point is a comb.
        softness = max(1, round((1 - velocity) * period * 0.06))
        kernel = np.ones(softness, dtype=np.float32) / softness
        burst = np.convolve(np.tile(burst, 2), kernel)[period : 2 * period].astype(np.float32)
        burst -= np.roll(burst, max(1, round(self.pluck * period)))
        return burst / max(float(np.abs(burst).max()), 1e-9)


@dataclass(frozen=True, slots=True)
class Bowl:
    """A string in a wooden body: the string's sound through the body's resonances."""

    string: String
    body: tuple[tuple[float, float], ...] = ((110.0, 1.0), (205.0, 0.8), (390.0, 0.5))

    def __call__(self, tone: Tone) -> Signal:
        """The string with its body around it, mono."""
        dry = self.string(tone)
        wet = dry.copy()
        for hz, gain in self.body:
            wet += np.float32(gain) * shaped(dry, tone.rate, hz * 0.85, hz * 1.15)
        return wet * np.float32(0.7)


@lru_cache(maxsize=1)
def guitar() -> Bowl:
    """A steel-string guitar."""
    return Bowl(String(brightness=0.72, half_s=1.1, pluck=0.21))


@lru_cache(maxsize=1)
def harp() -> String:
    """A harp: plucked in the middle, left to ring."""
    return String(brightness=0.5, half_s=1.6, pluck=0.45, release_s=0.9)


@lru_cache(maxsize=1)
def upright_bass() -> Bowl:
    """A double bass, plucked with the finger."""
    return Bowl(
        String(brightness=0.12, half_s=0.8, pluck=0.3, release_s=0.08),
        body=((65.0, 1.2), (98.0, 1.0), (180.0, 0.6)),
    )
