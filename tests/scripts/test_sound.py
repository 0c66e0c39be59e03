"""The synthesizer and the mastering, measured."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.demo_album import drums, keys, pads, plucked
from scripts.demo_album.dsp import Signal, fast_length, noise, phase, sine
from scripts.demo_album.mastering import CEILING_DBTP, limit, loudness, master, quantized, true_peak
from scripts.demo_album.score import Tone, Voice

RATE = 44_100
PITCHED: dict[str, Voice] = {
    "guitar": plucked.guitar(),
    "harp": plucked.harp(),
    "bass": plucked.upright_bass(),
    "piano": keys.piano,
    "electric_piano": keys.electric_piano,
    "flute": keys.flute,
    "pulse": keys.pulse,
    "synth_bass": keys.synth_bass,
    "vibraphone": keys.vibraphone,
    "strings": pads.STRINGS,
    "singer": pads.Singer(),
}
DRUMS: tuple[Voice, ...] = (
    drums.kick,
    drums.snare,
    drums.hat,
    drums.open_hat,
    drums.shaker,
    drums.brush,
    drums.rim,
    drums.tom,
    drums.crash,
    drums.riser,
)


def mono(sound: Signal) -> Signal:
    return sound if sound.ndim == 1 else sound[0]


def fundamental(sound: Signal, near: float) -> float:
    """The strongest frequency within a semitone of `near`, by a zoomed spectrum."""
    windowed = sound * np.hanning(len(sound))
    spectrum = np.abs(np.fft.rfft(windowed, 1 << 19))
    hz = np.fft.rfftfreq(1 << 19, 1 / RATE)
    spectrum[(hz < near / 1.06) | (hz > near * 1.06)] = 0
    return float(hz[spectrum.argmax()])


@pytest.mark.parametrize("name", PITCHED)
@pytest.mark.parametrize("hz", [110.0, 391.995])
def test_voices_are_in_tune(name: str, hz: float) -> None:
    sound = mono(PITCHED[name](Tone(hz, 1.5, 0.7, RATE, 3)))
    cents = 1200 * np.log2(fundamental(sound, hz) / hz)
    assert abs(cents) < (12 if name in {"strings", "singer", "flute"} else 4)


@pytest.mark.parametrize("voice", [*PITCHED.values(), *DRUMS])
def test_voices_repeat_and_end_in_silence(voice: Voice) -> None:
    tone = Tone(220.0, 0.5, 0.8, RATE, 7)
    sound = voice(tone)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0.02 < np.abs(sound).max() < 2
    assert np.abs(mono(sound)[-4:]).max() < 0.02
    assert np.array_equal(sound, voice(tone))


@pytest.mark.parametrize("least", [1, 2, 7, 31, 97, 1001, 65_537, 4_000_001])
def test_fast_lengths_have_small_factors(least: int) -> None:
    size = fast_length(least)
    assert least <= size < 2 * least + 1
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    assert size == 1


def test_loudness_of_the_standards_sine() -> None:
    """ITU-R BS.1770-5, annex 1: a full-scale 997 Hz sine in one channel is -3.01 LKFS."""
    left = sine(phase(997.0, RATE * 4, RATE))
    stereo = np.stack((left, np.zeros_like(left)))
    assert loudness(stereo, RATE) == pytest.approx(-3.01, abs=0.05)


def test_true_peak_is_seen_between_the_samples() -> None:
    """A sine at a quarter of the rate, sampled 45 degrees off its crests: 3 dB above them."""
    wave = sine(phase(RATE / 4, RATE, RATE) + 0.125)
    assert np.abs(wave).max() == pytest.approx(0.7071, abs=1e-3)
    assert true_peak(np.stack((wave, wave))) == pytest.approx(0, abs=0.15)


def test_the_limiter_keeps_its_ceiling_and_leaves_the_rest_alone() -> None:
    loud = np.stack((noise(RATE * 2, 1), noise(RATE * 2, 2)))
    loud[:, RATE:] *= np.float32(0.01)
    limited = limit(loud, RATE, CEILING_DBTP)
    assert true_peak(limited) <= CEILING_DBTP + 0.1
    assert np.allclose(limited[:, -RATE // 2 :], loud[:, -RATE // 2 :])


def test_masters_reach_their_loudness_below_the_peak() -> None:
    beat = np.where(np.arange(RATE * 6) % RATE < RATE // 8, 1.0, 0.1).astype(np.float32)
    mix = np.stack((noise(RATE * 6, 1), noise(RATE * 6, 2))) * beat * np.float32(0.3)
    done = master(mix, RATE, -14.0)
    assert loudness(done, RATE) == pytest.approx(-14, abs=0.5)
    assert true_peak(done) < -1
    assert np.abs(done[:, -1]).max() == 0


@pytest.mark.parametrize("bits", [16, 24])
def test_quantizing_is_off_by_less_than_two_steps(bits: int) -> None:
    sound = np.stack((sine(phase(440.0, 5000, RATE)), noise(5000, 4))) * np.float32(0.9)
    frames = quantized(sound, bits, seed=1)
    assert frames.shape == (5000, 2)
    error = frames.T - sound.astype(np.float64) * 2 ** (bits - 1)
    assert np.abs(error).max() < 1.5
