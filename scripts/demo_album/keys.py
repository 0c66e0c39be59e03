"""Struck and blown voices: piano, electric piano, bells, bass, a flute."""

from __future__ import annotations

import numpy as np

from scripts.demo_album.dsp import (
    Signal,
    decay,
    harmonics,
    noise,
    phase,
    ramps,
    read,
    seconds,
    shaped,
    sine,
    table,
    time,
    warmed,
)
from scripts.demo_album.score import Tone


def piano(tone: Tone) -> Signal:
    """A felt piano: stiff-string partials, each dying in its own time, and a soft hammer."""
    release = 0.25
    count = seconds(tone.length_s + release, tone.rate)
    out = np.zeros(count, dtype=np.float32)
    stiffness = 0.0004 * (tone.hz / 262) ** 1.2
    half = 1.1 * (262 / tone.hz) ** 0.6  # seconds
    for number in range(1, 15):
        hz = tone.hz * number * np.sqrt(1 + stiffness * number**2)
        if hz > 0.4 * tone.rate:
            break
        heard = min(count, seconds(10 * half / number**0.7, tone.rate))
        gain = number ** -(2.3 - 0.9 * tone.velocity) * abs(np.sin(np.pi * number / 7.3))
        envelope = decay(heard, tone.rate, half / number**0.7) * np.float32(gain)
        # Two strings per key, a hair apart: the slow beat that a piano has.
        out[:heard] += envelope * sine(phase(hz, heard, tone.rate))
        if number <= 4:
            out[:heard] += 0.6 * envelope * sine(phase(hz * 1.0006, heard, tone.rate))
    knock = seconds(0.03, tone.rate)
    thud = shaped(noise(knock, tone.seed), tone.rate, 90, 700) * decay(knock, tone.rate, 0.006)
    out[:knock] += np.float32(0.25) * thud[:count]
    out *= ramps(count, seconds(0.003, tone.rate), seconds(release, tone.rate))
    return out * np.float32(0.32 * tone.velocity)


def electric_piano(tone: Tone) -> Signal:
    """A tine piano: two-operator FM, a bell at the attack, a tremolo from side to side."""
    count = seconds(tone.length_s + 0.2, tone.rate)
    turns = phase(tone.hz, count, tone.rate)
    index = (0.25 + 1.5 * tone.velocity**2) * decay(count, tone.rate, 0.28)
    body = sine(turns + (index * sine(turns)).astype(np.float64) / (2 * np.pi) * 1.6)
    ting = sine(phase(min(tone.hz * 14.02, tone.rate * 0.4), count, tone.rate))
    voice = body * decay(count, tone.rate, 0.9)
    voice += np.float32(0.09 * tone.velocity) * ting * decay(count, tone.rate, 0.05)
    voice *= ramps(count, seconds(0.002, tone.rate), seconds(0.2, tone.rate))
    voice *= np.float32(0.33 * tone.velocity)
    sway = np.float32(0.22) * sine(phase(4.6, count, tone.rate))
    return np.stack((voice * (1 + sway), voice * (1 - sway)))


def bell(tone: Tone) -> Signal:
    """Glass bells: inharmonic partials that ring long."""
    count = seconds(max(tone.length_s, 2.8), tone.rate)
    out = np.zeros(count, dtype=np.float32)
    for ratio, gain, half in ((1, 1, 0.7), (2.756, 0.5, 0.35), (5.404, 0.22, 0.16), (0.5, 0.2, 1)):
        hz = min(tone.hz * ratio, tone.rate * 0.45)
        out += np.float32(gain) * decay(count, tone.rate, half) * sine(phase(hz, count, tone.rate))
    out *= ramps(count, seconds(0.002, tone.rate), seconds(0.5, tone.rate))
    return out * np.float32(0.28 * tone.velocity)


def vibraphone(tone: Tone) -> Signal:
    """A vibraphone: partials 1, 4 and 10, with the motor running."""
    count = seconds(tone.length_s + 0.6, tone.rate)
    out = np.zeros(count, dtype=np.float32)
    for ratio, gain, half in ((1, 1, 0.8), (4, 0.28, 0.3), (10, 0.08, 0.06)):
        hz = min(tone.hz * ratio, tone.rate * 0.45)
        out += np.float32(gain) * decay(count, tone.rate, half) * sine(phase(hz, count, tone.rate))
    out *= 1 + np.float32(0.2) * sine(phase(5.3, count, tone.rate))
    out *= ramps(count, seconds(0.002, tone.rate), seconds(0.6, tone.rate))
    return out * np.float32(0.34 * tone.velocity)


def synth_bass(tone: Tone) -> Signal:
    """A round bass: dark and bright tables, the bright one dying first, a little saturation."""
    count = seconds(tone.length_s + 0.06, tone.rate)
    turns = phase(tone.hz, count, tone.rate)
    dark = read(table(harmonics(tone.hz, tone.rate, tilt=2.4, limit=8)), turns)
    bright = read(table(harmonics(tone.hz, tone.rate, tilt=1.1, limit=40)), turns)
    voice = dark + np.float32(0.7 * tone.velocity) * bright * decay(count, tone.rate, 0.09)
    voice = warmed(voice, 1.4) * decay(count, tone.rate, 1.2)
    voice *= ramps(count, seconds(0.004, tone.rate), seconds(0.06, tone.rate))
    return voice * np.float32(0.42 * tone.velocity)


def pulse(tone: Tone) -> Signal:
    """A short bright synthesizer note for running figures, closing like a filter."""
    count = seconds(tone.length_s + 0.05, tone.rate)
    turns = phase(tone.hz, count, tone.rate)
    open_ = read(table(harmonics(tone.hz, tone.rate, tilt=1.0)), turns)
    closed = read(table(harmonics(tone.hz, tone.rate, tilt=2.2, limit=12)), turns)
    mix = decay(count, tone.rate, 0.03 + 0.12 * tone.velocity)
    voice = (closed + mix * (open_ - closed)) * decay(count, tone.rate, 0.22)
    voice *= ramps(count, seconds(0.002, tone.rate), seconds(0.05, tone.rate))
    return voice * np.float32(0.3 * tone.velocity)


def flute(tone: Tone) -> Signal:
    """A wooden flute: few harmonics, a vibrato that grows, breath."""
    count = seconds(tone.length_s + 0.12, tone.rate)
    late = np.clip((time(count, tone.rate) - 0.25) / 0.5, 0, 1)
    hz = np.float32(tone.hz) * (1 + 0.006 * late * sine(phase(5.1, count, tone.rate)))
    hz *= 1 - 0.012 * decay(count, tone.rate, 0.02)  # a breath's scoop up to the pitch
    wave = table(np.array([1, 0.42, 0.2, 0.07, 0.04], dtype=np.float32))
    voice = read(wave, phase(hz.astype(np.float32), count, tone.rate))
    breath = shaped(noise(count, tone.seed), tone.rate, tone.hz * 0.9, tone.hz * 4)
    voice += np.float32(0.1) * breath * (np.float32(0.5) + decay(count, tone.rate, 0.05))
    voice *= ramps(count, seconds(0.05, tone.rate), seconds(0.12, tone.rate))
    return voice.astype(np.float32, copy=False) * np.float32(0.3 * tone.velocity)
