"""Encoded files -> CMAF track files with their keys. Blocking: it is called in a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from drm.key_provider import ProvidedKey
from drm.keyring import Keyring
from drm.model import ContentKey
from packager.boxes.base import Container
from packager.cmaf import write_track
from packager.demux import demux, with_length
from packager.errors import MalformedMedia
from packager.model import Codec, EncodedTrack, Rendition, Scheme, TrackProtection
from packager.systems import CLEARKEY_ONLY, KeySystems
from pipeline.ladder import RenditionSpec
from pipeline.sound import Sound

# What plays HLS without Encrypted Media Extensions (Safari, Android) decodes these.
_AES_128_CODECS = frozenset((Codec.AAC, Codec.FLAC, Codec.ALAC))
_AES_128_SUFFIX = "-aes128"

# What a resampler may add or lose at the end of a track, samples.
_RESAMPLER_SLACK = 16


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where keys come from: a vendor, as far as it has given some, else the keyring."""

    keyring: Keyring
    provided: Mapping[str, ProvidedKey] = field(default_factory=dict)  # by tier, for samples


@dataclass(frozen=True, slots=True)
class Packaged:
    """The track files of one revision, and their keys."""

    renditions: tuple[Rendition, ...]
    files: Mapping[str, Path]  # name of the track file, second files too -> where it is
    keys: Mapping[tuple[str, Scheme], ContentKey]  # one per tier and scheme; clear files have none


def package_tracks(
    specs: Sequence[RenditionSpec],
    encoded: Mapping[str, Path],
    sound: Sound,
    folder: Path,
    *,
    keys: KeySource,
    scheme: Scheme,
    segment_s: float,
    aes128: bool = False,
    systems: KeySystems = CLEARKEY_ONLY,
    loudness: Container | None = None,
) -> Packaged:
    """Segment and encrypt every rendition; an encoded file is removed when it was read.

    `loudness` is the `ludt` box of every file. `aes128` asks for a second file of what plays
    without EME, unless the scheme is `clear`. Raises MalformedMedia when a rendition is not
    what was asked for.
    """
    packer = _Packer(keys, folder, segment_s, systems, loudness)
    packer.keys |= {(tier, scheme): one.key for tier, one in keys.provided.items()}
    renditions = []
    for number, spec in enumerate(specs):
        with encoded[spec.name].open("rb") as source:
            track = _checked(demux(source), spec, sound)
            rendition = packer.write(source, track, spec, scheme, number)
            if aes128 and scheme is not Scheme.CLEAR and spec.codec in _AES_128_CODECS:
                second = packer.write(source, track, spec, Scheme.AES_128, number)
                rendition = replace(rendition, aes128=second)
        encoded[spec.name].unlink()
        renditions.append(rendition)
    return Packaged(tuple(renditions), packer.files, packer.keys)


@dataclass(slots=True)
class _Packer:
    """Writes track files into a folder, and makes the keys that they need."""

    source: KeySource
    folder: Path
    segment_s: float
    systems: KeySystems
    loudness: Container | None
    files: dict[str, Path] = field(default_factory=dict)
    keys: dict[tuple[str, Scheme], ContentKey] = field(default_factory=dict)

    def write(
        self,
        source: BinaryIO,
        track: EncodedTrack,
        spec: RenditionSpec,
        scheme: Scheme,
        number: int,
    ) -> Rendition:
        name = spec.name + (_AES_128_SUFFIX if scheme is Scheme.AES_128 else "")
        self.files[name] = self.folder / f"{name}.mp4"
        protection = self._protection(spec.tier, scheme, number)
        given = None if scheme is Scheme.AES_128 else self.source.provided.get(spec.tier)
        signaling = None if given is None else given.signaling
        with self.files[name].open("xb") as out:
            written = write_track(
                source,
                track,
                out,
                name=name,
                tier=spec.tier,
                # A YAML number: as people write it, not as binary floating point has it.
                segment_s=Fraction(str(self.segment_s)),
                protection=protection,
                pssh=self.systems.provided_by(signaling).boxes(protection.kid, scheme)
                if protection and scheme is not Scheme.AES_128
                else (),
                loudness=self.loudness,
            )
        return replace(written, signaling=signaling)

    def _protection(self, tier: str, scheme: Scheme, number: int) -> TrackProtection | None:
        """How one file is encrypted: every file of a tier and scheme has the same key.

        `cenc` counts (AES-CTR), and two renditions that counted alike would give away each
        other's samples; so each counts from a place of its own, 2**32 samples apart. `cbcs` has
        one IV for all: players take it from the key's description. Whole segments begin alike,
        so under `aes-128` each file has an IV of its own.
        """
        if scheme is Scheme.CLEAR:
            return None
        if (tier, scheme) not in self.keys:
            self.keys[tier, scheme] = self.source.keyring.new_key(scheme)
        key = self.keys[tier, scheme]
        step = 0 if scheme is Scheme.CBCS else number << 32
        first = (int.from_bytes(key.iv, "big") + step) % (1 << 8 * len(key.iv))
        return TrackProtection(scheme, key.kid, key.key, first.to_bytes(len(key.iv), "big"))


def _checked(track: EncodedTrack, spec: RenditionSpec, sound: Sound) -> EncodedTrack:
    """The track, presented for exactly the master's length at its own rate."""
    config = track.config
    asked = (spec.codec, spec.sample_rate_hz, spec.channels, spec.bit_depth)
    made = (config.codec, config.timescale, config.channels, config.bit_depth)
    if made != asked:
        raise MalformedMedia(f"the encoder made {made}, asked for was {asked}", path=spec.name)
    expected = spec.samples_of(sound.samples, sound.sample_rate_hz)
    slack = _RESAMPLER_SLACK if spec.resampled else 0
    if abs(track.trim.samples - expected) > slack:
        problem = f"the encoder made {track.trim.samples} samples, {expected} were expected"
        raise MalformedMedia(problem, path=spec.name)
    return with_length(track, expected)
