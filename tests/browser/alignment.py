"""Where stretches of a recording lie in the original: what is missing or too much at a joint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

_WINDOW = 6_000  # samples to each side of a joint that are looked for
_GUARD = 1_500  # samples next to the joint that are not: codecs smear their first and last frame
_SEARCH = 6_000  # how far from its expected place a stretch is looked for


@dataclass(frozen=True, slots=True)
class Joint:
    """What was heard where one track follows another."""

    gap: float  # samples too much (silence, repetition) or missing (negative)
    error: float  # largest difference from the original around the joint; full scale is 1
    usual_error: float  # the same away from the joint


def measure(recording: Signal, original: Signal, joints: tuple[int, ...]) -> list[Joint]:
    """Look at each joint, a sample position in the original; both signals at the same rate."""
    start = _coarse(recording, original)
    found = []
    for joint in joints:
        before = _place(recording, original, joint - _GUARD - _WINDOW, start)
        after = _place(recording, original, joint + _GUARD, before)
        usual = _error(recording, original, joint - _GUARD - _WINDOW, joint - _GUARD, before)
        at = _error(recording, original, joint - _GUARD, joint + _GUARD, before)
        found.append(Joint(after - before, at, usual))
        start = after
    return found


def _coarse(recording: Signal, original: Signal) -> float:
    """The recording's sample at which the original begins."""
    size = 1 << (len(recording) + len(original)).bit_length()
    product = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(original, size))
    correlation = np.fft.irfft(product, size)
    lag = int(np.argmax(correlation))
    return float(lag if lag < size // 2 else lag - size)  # negative: its first samples are missing


def _place(recording: Signal, original: Signal, at: int, start: float) -> float:
    """Where the original would begin, by what of it stands at `at`; near `start`."""
    wanted = original[at : at + _WINDOW]
    first = max(0, round(start) + at - _SEARCH)
    there = recording[first : first + _WINDOW + 2 * _SEARCH]
    correlation = np.correlate(there, wanted, "valid")
    energy = np.convolve(there**2, np.ones(_WINDOW), "valid")
    score = correlation / np.sqrt(np.maximum(energy, 1e-9))
    best = int(np.argmax(score))
    return first + best + _fraction(there[best : best + _WINDOW], wanted) - at


def _fraction(heard: Signal, wanted: Signal) -> float:
    """By how much less than a sample `heard` is late: the slope of the cross spectrum's phase."""
    window = np.hanning(len(wanted))
    cross = np.fft.rfft(heard * window) * np.conj(np.fft.rfft(wanted * window))
    frequency = 2 * np.pi * np.arange(len(cross)) / len(wanted)  # radians per sample
    weight = np.abs(cross)
    slope = np.sum(weight * frequency * np.angle(cross)) / np.sum(weight * frequency**2)
    return -float(slope)


def _error(recording: Signal, original: Signal, start: int, end: int, place: float) -> float:
    """The largest difference, the original moved by the fraction of a sample and to the level."""
    whole = int(np.floor(place))
    heard = recording[start + whole : end + whole + 1]
    fraction = place - whole
    positions: Signal = np.arange(start, start + len(heard), dtype=np.float64) - fraction
    moved = _at(original, positions)
    gain = float(heard @ moved / max(float(moved @ moved), 1e-9))
    return float(np.max(np.abs(heard - gain * moved)))


def _at(signal: Signal, positions: Signal) -> Signal:
    """The signal between its samples, by a windowed sinc of 64 taps."""
    base = np.floor(positions).astype(int)
    taps = np.arange(-31, 33)
    index = np.clip(base[:, None] + taps, 0, len(signal) - 1)
    offset = (positions - base)[:, None] - taps
    kernel = np.sinc(offset) * np.cos(np.pi * offset / 66) ** 2
    moved: Signal = np.sum(signal[index] * kernel, axis=1)
    return moved
