"""Drums and shakers. Their tones have no pitch of their own: a voice per drum."""

from __future__ import annotations

import numpy as np

from scripts.demo_album.dsp import (
    Signal,
    decay,
    noise,
    phase,
    ramps,
    seconds,
    shaped,
    sine,
    time,
    warmed,
)
from scripts.demo_album.score import Tone


def kick(tone: Tone) -> Signal:
    """A bass drum: a sine falling to 48 Hz, and the beater's click."""
    count = seconds(0.42, tone.rate)
    hz = (48 + 150 * np.exp2(-time(count, tone.rate) / np.float32(0.014))).astype(np.float32)
    drum = warmed(sine(phase(hz, count, tone.rate)), 1.6) * decay(count, tone.rate, 0.085)
    click = shaped(noise(count, tone.seed), tone.rate, 1500, 6000)
    drum += np.float32(0.3) * click * decay(count, tone.rate, 0.003)
    drum *= ramps(count, 16, seconds(0.1, tone.rate))
    return drum * np.float32(0.85 * tone.velocity)


def snare(tone: Tone) -> Signal:
    """A snare drum: two modes of the skin and the wires."""
    count = seconds(0.3, tone.rate)
    skin = sine(phase(186, count, tone.rate)) + np.float32(0.6) * sine(phase(331, count, tone.rate))
    wires = shaped(noise(count, tone.seed), tone.rate, 1200, 9500)
    drum = np.float32(0.4) * skin * decay(count, tone.rate, 0.03)
    drum += np.float32(0.8) * wires * decay(count, tone.rate, 0.05 + 0.02 * tone.velocity)
    drum *= ramps(count, 8, seconds(0.08, tone.rate))
    return drum * np.float32(0.6 * tone.velocity)


def hat(tone: Tone) -> Signal:
    """A closed hi-hat."""
    return _metal(tone, 0.09, 0.016, 7000)


def open_hat(tone: Tone) -> Signal:
    """An open hi-hat, cut off after a while."""
    return _metal(tone, 0.45, 0.12, 6000)


def shaker(tone: Tone) -> Signal:
    """A shaker: grains that rush forward and stop."""
    count = seconds(0.12, tone.rate)
    grains = shaped(noise(count, tone.seed), tone.rate, 4500, 12000)
    rise = seconds(0.035, tone.rate)
    return grains * ramps(count, rise, count - rise) * np.float32(0.4 * tone.velocity)


def brush(tone: Tone) -> Signal:
    """A wire brush drawn across a snare drum."""
    count = seconds(max(0.2, tone.length_s), tone.rate)
    wires = shaped(noise(count, tone.seed), tone.rate, 900, 7000, slope=1.2)
    wires *= ramps(count, count // 3, count // 2)
    return wires * np.float32(0.35 * tone.velocity)


def rim(tone: Tone) -> Signal:
    """A stick on the rim."""
    count = seconds(0.09, tone.rate)
    wood = sine(phase(812, count, tone.rate)) + sine(phase(1730, count, tone.rate))
    return wood * decay(count, tone.rate, 0.009) * np.float32(0.3 * tone.velocity)


def tom(tone: Tone) -> Signal:
    """A floor tom."""
    count = seconds(0.6, tone.rate)
    hz = (88 + 40 * np.exp2(-time(count, tone.rate) / np.float32(0.03))).astype(np.float32)
    drum = sine(phase(hz, count, tone.rate)) * decay(count, tone.rate, 0.12)
    drum *= ramps(count, 32, seconds(0.2, tone.rate))
    return drum * np.float32(0.6 * tone.velocity)


def crash(tone: Tone) -> Signal:
    """A crash cymbal."""
    return _metal(tone, 2.6, 0.5, 3500) * np.float32(1.3)


def riser(tone: Tone) -> Signal:
    """Noise that opens up over the whole of its length: a wave before it breaks."""
    count = seconds(tone.length_s, tone.rate)
    air = noise(count, tone.seed)
    low = shaped(air, tone.rate, 300, 1500)
    high = shaped(air, tone.rate, 2500, 11000)
    way = time(count, tone.rate) / np.float32(tone.length_s)
    wave = (low * way**2 + high * way**4) * ramps(count, 0, seconds(0.03, tone.rate))
    return wave * np.float32(0.3 * tone.velocity)


def _metal(tone: Tone, length_s: float, half_s: float, low_hz: float) -> Signal:
    count = seconds(length_s, tone.rate)
    ring = np.zeros(count, dtype=np.float32)
    # Six squares at no simple ratio: the classic drum machine's cymbal.
    for hz in (263.0, 400.0, 421.0, 474.0, 587.0, 845.0):
        ring += np.sign(sine(phase(hz * 1.7, count, tone.rate)))
    metal = np.float32(0.1) * ring + np.float32(0.6) * noise(count, tone.seed)
    metal = shaped(metal, tone.rate, low_hz, 14000, slope=3)
    metal *= decay(count, tone.rate, half_s) * ramps(count, 8, count // 3)
    return metal * np.float32(0.5 * tone.velocity)
