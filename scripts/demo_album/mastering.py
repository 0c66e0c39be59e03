"""From a mix to a master: tone, loudness to a target, a true-peak limiter, dither."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scripts.demo_album.dsp import Signal, fast_length, filtered, ramps, seconds

CEILING_DBTP = -1.4  # the limiter's; what is measured afterwards stays below -1
_TAPS = 32  # of the interpolator that looks between the samples


def master(mix: Signal, rate: int, lufs: float) -> Signal:
    """The mix at that integrated loudness, its true peaks under the ceiling, its ends silent."""
    toned = _toned(mix, rate)
    quiet = toned * np.float32(10 ** ((lufs - loudness(toned, rate)) / 20))
    limited = limit(quiet, rate, CEILING_DBTP)
    out = limited
    if limited is not quiet:  # limiting costs a little loudness; one more round makes up for it
        again = limited * np.float32(10 ** ((lufs - loudness(limited, rate)) / 20))
        out = limit(again, rate, CEILING_DBTP)
    out *= ramps(out.shape[1], seconds(0.01, rate), seconds(1.5, rate))
    return out


def _toned(mix: Signal, rate: int) -> Signal:
    """Rumble off below 28 Hz, a little air above 9 kHz."""
    size = fast_length(mix.shape[1])
    hz = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1e-3)
    gain = 1 / np.sqrt(1 + (28 / hz) ** 4)
    gain *= np.sqrt((1 + (hz / 9000) ** 2 * 1.4) / (1 + (hz / 9000) ** 2))
    return filtered(mix, gain.astype(np.float32), size)


@lru_cache(maxsize=4)
def k_weighting(size: int, rate: int) -> Signal:
    """Gain of ITU-R BS.1770's two filters for a transform of `size` samples.

    From their analog prototypes, as squared magnitudes of (a s^2 + b s + c) on s = i f.
    """
    f2 = np.fft.rfftfreq(size, 1 / rate) ** 2
    shelf2, shelf_q, boost = 1681.97**2, 0.7072, 10 ** (4.0 / 20)
    power = (shelf2 - boost * f2) ** 2 + boost * f2 * shelf2 / shelf_q**2
    power /= (shelf2 - f2) ** 2 + f2 * shelf2 / shelf_q**2
    pass2, pass_q = 38.135**2, 0.5003
    power *= f2**2 / ((pass2 - f2) ** 2 + f2 * pass2 / pass_q**2)
    return np.sqrt(power).astype(np.float32)


def loudness(signal: Signal, rate: int) -> float:
    """Integrated loudness, LUFS. ITU-R BS.1770-5: 400 ms blocks, gates at -70 and -10 LU."""
    size = fast_length(signal.shape[1])
    weighted = filtered(signal, k_weighting(size, rate), size)
    power = np.cumsum(np.einsum("cn,cn->n", weighted, weighted), dtype=np.float64)
    block, step = seconds(0.4, rate), seconds(0.1, rate)
    starts = np.arange(0, len(power) - block, step)
    if not len(starts):
        return -70.0
    blocks = np.maximum((power[starts + block] - power[starts]) / block, 1e-12)
    heard = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(heard):
        return -70.0
    heard = heard[heard > heard.mean() * 10**-1]
    return float(-0.691 + 10 * np.log10(heard.mean()))


def _interpolator() -> Signal:
    """Windowed sincs for the three points between two samples: (taps, 3)."""
    at = np.arange(_TAPS)[:, None] - (_TAPS / 2 - 1) - np.array([0.25, 0.5, 0.75])
    window = np.cos(np.pi * at / (_TAPS + 2)) ** 2
    out: Signal = (np.sinc(at) * window).astype(np.float32)
    return out


def peaks(signal: Signal, over: float) -> Signal:
    """For each sample the largest magnitude there or just after it, at four times the rate.

    Only looked for where a sample is above `over`; elsewhere the sample itself is given.
    """
    best: Signal = np.abs(signal).max(axis=0)
    taps = _interpolator()
    for channel in signal:
        magnitude = np.abs(channel)
        near = np.maximum(magnitude[:-1], magnitude[1:])
        where = np.flatnonzero(near[_TAPS // 2 : -_TAPS // 2] > over) + _TAPS // 2
        windows = sliding_window_view(channel, _TAPS)[where - (_TAPS // 2 - 1)]
        between = np.abs(windows @ taps).max(axis=1, initial=0)
        best[where] = np.maximum(best[where], between)
        best[where + 1] = np.maximum(best[where + 1], between)
    return best


def true_peak(signal: Signal) -> float:
    """The largest magnitude of the signal, between the samples too, dBTP."""
    top = float(np.abs(signal).max())
    return float(20 * np.log10(max(float(peaks(signal, top * 0.6).max()), 1e-9)))


def limit(signal: Signal, rate: int, ceiling_dbtp: float) -> Signal:
    """A look-ahead limiter: gain that falls before a peak and rises after it, smoothly.

    The gain is the least that any peak within the window needs, averaged over that same window,
    so it is never more than what the peak in its middle allows.
    """
    ceiling = np.float32(10 ** (ceiling_dbtp / 20))
    top = peaks(signal, float(ceiling) * 0.6)
    if float(top.max()) <= float(ceiling):
        return signal
    needed = np.minimum(ceiling / np.maximum(top, np.float32(1e-9)), 1)
    half = seconds(0.012, rate)
    least = _running_minimum(needed, half)
    gain = _running_mean(_running_mean(least, half // 2), half // 2)
    return signal * np.minimum(gain, 1).astype(np.float32)


def _running_minimum(values: Signal, half: int) -> Signal:
    """The least of each value's neighbors up to `half` away (van Herk: two passes of blocks)."""
    width = 2 * half + 1
    blocks = -(-(len(values) + 2 * half) // width)
    padded = np.ones(blocks * width, dtype=np.float32)
    padded[half : half + len(values)] = values
    table = padded.reshape(blocks, width)
    after = np.minimum.accumulate(table, axis=1).reshape(-1)
    before = np.minimum.accumulate(table[:, ::-1], axis=1)[:, ::-1].reshape(-1)
    return np.minimum(before[: len(values)], after[2 * half : 2 * half + len(values)])


def _running_mean(values: Signal, half: int) -> Signal:
    width = 2 * half + 1
    padded = np.concatenate(
        (np.full(half + 1, values[0]), values, np.full(half, values[-1])), dtype=np.float64
    )
    total = np.cumsum(padded)
    return ((total[width:] - total[:-width]) / width).astype(np.float32)


def quantized(signal: Signal, bits: int, seed: int) -> NDArray[np.int32]:
    """Integers of that many bits, one row per frame, with triangular dither of one step."""
    scale = 2 ** (bits - 1)
    hand = np.random.default_rng(seed)
    dither = hand.random(signal.shape, dtype=np.float32)
    dither -= hand.random(signal.shape, dtype=np.float32)
    steps = np.rint(signal.astype(np.float64) * scale + dither)
    frames: NDArray[np.int32] = np.clip(steps, -scale, scale - 1).astype(np.int32).T
    return frames
