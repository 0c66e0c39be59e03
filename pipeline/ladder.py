"""Which renditions a master gets: the ladder, never above the source. Pure.

- AAC at 44.1 or 48 kHz, in the family of the master's rate; Opus always at 48 kHz.
- FLAC at the master's own rate and depth, so that it holds the same samples.
- No upmix: a mono master makes mono renditions, at half the rung's bit rate. A rung's bit rate
  is for two channels, and half of it sounds the same for one (as Apple's and the EBU's
  recommendations have it); a rung keeps its name, which names a level of quality.
- FLAC keeps 16, 24 and 32 bits of an integer master, as far as the encoder can; a float master
  is rounded to 24. What is lost is noted in the record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from configs.ladder import Ladder, Rung
from packager.model import Codec, Scheme
from pipeline.sound import Sound

_OPUS_HZ = 48_000  # RFC 6716, 2: what every Opus decoder gives
_FLAC_BITS = (16, 24, 32)
_FLOAT_AS_BITS = 24  # what a 32-bit float holds exactly

# Counted up when the same ladder would make other files (a flag of the encoders, the layout of
# the track file), so that a re-run makes them anew. ffmpeg's version is left out on purpose:
# a system update must not re-encode a catalog, and the record names the encoder.
_RECIPE_VERSION = 1


@dataclass(frozen=True, slots=True)
class RenditionSpec:
    """One encoding to make of one master."""

    name: str
    codec: Codec
    tier: str
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None  # lossy codings: the target for all channels together
    bit_depth: int | None  # lossless codings: bits per sample
    resampled: bool  # whether the master's rate is another one
    coder: str | None = None  # AAC: how the encoder searches; None: as ffmpeg does by itself

    def samples_of(self, master_samples: int, master_rate_hz: int) -> int:
        """The master's length at this rendition's rate, samples, rounded up."""
        return -(-master_samples * self.sample_rate_hz // master_rate_hz)


def choose(
    sound: Sound, ladder: Ladder, *, deepest_flac_bits: int = 32
) -> tuple[RenditionSpec, ...]:
    """The renditions of a master, in the ladder's order; the encoder says how deep FLAC can be."""
    depth = min(_depth(sound), deepest_flac_bits)
    return tuple(_spec(sound, rung, depth) for rung in ladder.rungs)


def notes_on(
    sound: Sound, specs: Sequence[RenditionSpec], true_peak_dbtp: float | None = None
) -> tuple[str, ...]:
    """What a reader of the record should know about the lossless rendition."""
    notes: list[str] = []
    for spec in specs:
        if spec.bit_depth is None:
            continue
        if sound.is_float or sound.bit_depth > spec.bit_depth:
            kind = "float" if sound.is_float else "integer"
            notes.append(
                f"{sound.bit_depth}-bit {kind} master: {spec.name} has {spec.bit_depth} bits"
            )
        if spec.resampled:
            notes.append(f"{sound.sample_rate_hz} Hz master: {spec.name} is resampled")
        if sound.is_float and true_peak_dbtp is not None and true_peak_dbtp > 0:
            notes.append(f"float master above full scale: {spec.name} may clip")
    return tuple(notes)


def recipe_sha256(
    specs: Sequence[RenditionSpec],
    scheme: Scheme,
    segment_s: float,
    *,
    aes128: bool = False,
    companions: Sequence[str] = (),
) -> str:
    """Hash of all that shapes the files made of a given master, except random keys.

    `companions`: what lies beside the master, or is made beside the track files, a line for each.
    """
    recipe = {
        "version": _RECIPE_VERSION,
        "renditions": [asdict(spec) for spec in specs],
        "scheme": scheme.value,
        "segment_s": segment_s,
        "aes128": aes128,
        "companions": list(companions),
    }
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _spec(sound: Sound, rung: Rung, flac_bits: int) -> RenditionSpec:
    codec = Codec(rung.codec)
    rate = _rate(sound.sample_rate_hz, codec, rung.max_sample_rate_hz)
    bitrate = rung.bitrate_bps
    return RenditionSpec(
        name=rung.name,
        codec=codec,
        tier=rung.tier,
        sample_rate_hz=rate,
        channels=sound.channels,
        bitrate_bps=bitrate // 2 if bitrate and sound.channels == 1 else bitrate,
        bit_depth=flac_bits if codec is Codec.FLAC else None,
        resampled=rate != sound.sample_rate_hz,
        coder=rung.coder,
    )


def _rate(source_hz: int, codec: Codec, highest_hz: int | None) -> int:
    """The best rate of the source's family that the codec and the rung allow."""
    if codec is Codec.OPUS:
        return _OPUS_HZ
    rate = source_hz
    if codec is Codec.AAC:
        rate = 44_100 if source_hz % 44_100 == 0 else 48_000
    while highest_hz is not None and rate > highest_hz:
        rate //= 2
    return rate


def _depth(sound: Sound) -> int:
    """The least of FLAC's depths here that holds the master's."""
    if sound.is_float:
        return _FLOAT_AS_BITS
    return next((bits for bits in _FLAC_BITS if bits >= sound.bit_depth), _FLAC_BITS[-1])
