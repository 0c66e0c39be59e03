"""Encoded files -> CMAF track files with their keys. Blocking: it is called in a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from drm.keyring import Keyring
from drm.model import ContentKey
from packager.cmaf import write_track
from packager.demux import demux, with_length
from packager.errors import MalformedMedia
from packager.model import EncodedTrack, Rendition, Scheme, TrackProtection
from pipeline.ladder import RenditionSpec
from pipeline.sound import Sound

# What a resampler may add or lose at the end of a track, samples.
_RESAMPLER_SLACK = 16


@dataclass(frozen=True, slots=True)
class Packaged:
    """The track files of one revision, and the key of each tier."""

    renditions: tuple[Rendition, ...]
    files: Mapping[str, Path]  # rendition name -> CMAF track file
    keys: Mapping[str, ContentKey]  # tier -> key; empty for the scheme `clear`


def package_tracks(
    specs: Sequence[RenditionSpec],
    encoded: Mapping[str, Path],
    sound: Sound,
    folder: Path,
    *,
    keyring: Keyring,
    scheme: Scheme,
    segment_s: float,
) -> Packaged:
    """Segment and encrypt every rendition; an encoded file is removed when it was read.

    Raises MalformedMedia when a rendition is not what was asked for.
    """
    tiers = dict.fromkeys(spec.tier for spec in specs)
    keys = {} if scheme is Scheme.CLEAR else {tier: keyring.new_key(scheme) for tier in tiers}
    renditions = []
    files = {}
    for number, spec in enumerate(specs):
        files[spec.name] = folder / f"{spec.name}.mp4"
        with encoded[spec.name].open("rb") as source, files[spec.name].open("xb") as out:
            rendition = write_track(
                source,
                _checked(demux(source), spec, sound),
                out,
                name=spec.name,
                tier=spec.tier,
                # A YAML number: as people write it, not as binary floating point has it.
                segment_s=Fraction(str(segment_s)),
                protection=_protection(keys.get(spec.tier), scheme, number),
            )
        encoded[spec.name].unlink()
        renditions.append(rendition)
    return Packaged(tuple(renditions), files, keys)


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


def _protection(key: ContentKey | None, scheme: Scheme, number: int) -> TrackProtection | None:
    """How one rendition is encrypted: every rendition of a tier has the tier's key.

    `cenc` counts (AES-CTR), and two renditions that counted alike would give away each other's
    samples; so each counts from a place of its own, 2**32 samples apart. `cbcs` chains, and its
    one IV may be everybody's.
    """
    if key is None:
        return None
    iv = key.iv
    if scheme is Scheme.CENC:
        first = (int.from_bytes(iv, "big") + (number << 32)) % (1 << 8 * len(iv))
        iv = first.to_bytes(len(iv), "big")
    return TrackProtection(scheme, key.kid, key.key, iv)
