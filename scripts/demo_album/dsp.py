"""Signals: envelopes, noise, spectra, wavetables. Arrays are float32, -1 to 1 is full scale."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]


def seconds(length_s: float, rate: int) -> int:
    """A duration in samples, at least one."""
    return max(1, round(length_s * rate))


def time(count: int, rate: int) -> Signal:
    """The instants of so many samples, seconds."""
    return (np.arange(count, dtype=np.float64) / rate).astype(np.float32)


def decay(count: int, rate: int, half_s: float) -> Signal:
    """An envelope that halves every `half_s` seconds."""
    out: Signal = np.exp2(-time(count, rate) / np.float32(half_s))
    return out


def ramps(count: int, rise: int, fall: int) -> Signal:
    """An envelope that rises from and falls to silence along half cosines, in samples."""
    envelope = np.ones(count, dtype=np.float32)
    rise, fall = min(rise, count), min(fall, count)
    if rise:
        envelope[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    if fall:
        envelope[-fall:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 1) / fall)
    return envelope


def phase(hz: float | Signal, count: int, rate: int) -> NDArray[np.float64]:
    """Turns made by an oscillator, which may glide; kept in double, single drifts out of tune."""
    if isinstance(hz, np.ndarray):
        return np.cumsum(hz, dtype=np.float64) / rate
    return np.arange(count, dtype=np.float64) * (hz / rate)


def sine(turns: NDArray[np.float64]) -> Signal:
    """A sine of so many turns."""
    out: Signal = np.sin(np.float32(2 * np.pi) * _fraction(turns))
    return out


def _fraction(turns: NDArray[np.float64]) -> Signal:
    """Where in its cycle an oscillator is, 0 to 1 (several times faster than `turns % 1`)."""
    return (turns - np.floor(turns)).astype(np.float32)


def noise(count: int, seed: int) -> Signal:
    """White noise, -1 to 1, always the same for a seed."""
    return np.random.default_rng(seed).uniform(-1, 1, count).astype(np.float32)


def shaped(signal: Signal, rate: int, low_hz: float, high_hz: float, slope: float = 2.0) -> Signal:
    """The part of a signal between two frequencies, falling off softly outside of them.

    `slope` is the order of both edges: 1 is 6 dB per octave.
    """
    size = fast_length(signal.shape[-1])
    hz = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1e-3)
    gain = 1 / np.sqrt((1 + (low_hz / hz) ** (2 * slope)) * (1 + (hz / high_hz) ** (2 * slope)))
    return filtered(signal, gain.astype(np.float32), size)


def filtered(signal: Signal, gain: Signal, size: int) -> Signal:
    """A signal through a frequency response given for a transform of `size` samples."""
    spectrum = np.fft.rfft(signal, size) * gain
    return np.fft.irfft(spectrum, size)[..., : signal.shape[-1]].astype(np.float32, copy=False)


@lru_cache(maxsize=256)
def fast_length(least: int) -> int:
    """The first length from `least` on whose only prime factors are 2, 3 and 5: quick FFTs."""
    best = 1 << (least - 1).bit_length()
    fives = 1
    while fives < best:
        threes = fives
        while threes < best:
            factor = -(-least // threes)
            best = min(best, threes << max(0, (factor - 1).bit_length()))
            threes *= 3
        fives *= 5
    return best


def table(amplitudes: Signal, size: int = 2048) -> Signal:
    """One cycle of a wave with these harmonics (the first is the fundamental), peak 1."""
    spectrum = np.zeros(size // 2 + 1, dtype=np.complex64)
    kept = amplitudes[: size // 2 - 1]
    spectrum[1 : 1 + len(kept)] = -1j * kept
    wave = np.fft.irfft(spectrum, size)
    wave /= max(float(np.abs(wave).max()), 1e-9)
    return np.append(wave, wave[0]).astype(np.float32)


def read(wave: Signal, turns: NDArray[np.float64]) -> Signal:
    """A wavetable played at these turns, interpolated linearly."""
    size = len(wave) - 1
    position = _fraction(turns) * np.float32(size)
    index = np.minimum(position.astype(np.int32), size - 1)
    left = wave[index]
    out: Signal = left + (position - index).astype(np.float32) * (wave[index + 1] - left)
    return out


def harmonics(hz: float, rate: int, *, tilt: float = 1.0, limit: int = 64) -> Signal:
    """Amplitudes 1/n^tilt of all the harmonics that fit well below half the rate."""
    count = max(1, min(limit, int(0.42 * rate / hz)))
    return (np.arange(1, count + 1, dtype=np.float32) ** -tilt).astype(np.float32)


def warmed(signal: Signal, drive: float) -> Signal:
    """Soft saturation: small signals pass, peaks are rounded off."""
    out: Signal = np.tanh(signal * np.float32(drive)) / np.float32(np.tanh(drive))
    return out
