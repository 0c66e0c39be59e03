"""The coded frames themselves: whether they are, after decryption, what the track says.

Every sample of every fragment is read. This is what shows a wrong key, a wrong IV, a frame off
its place: a manifest cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from packager.boxes.base import parse
from packager.boxes.entries import ElementaryStreamBox
from packager.check.decryption import MalformedAuxiliary, decrypted
from packager.check.findings import Problem, Rules, Severity
from packager.check.source import View
from packager.check.track import Fragment, Track
from packager.codecs import aac, opus
from packager.demux import sbr
from packager.errors import MalformedMedia
from packager.model import Codec, CodecConfig

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_LOOKED_AT = 64  # frames, to find SBR
_MAX_SAMPLE = 1 << 20  # bytes; a FLAC frame of 8 channels at 192 kHz has fewer


@dataclass(frozen=True, slots=True)
class Samples:
    """A track with what is needed to read its samples."""

    track: Track
    views: Mapping[str, View]  # by address
    keys: Mapping[bytes, bytes]  # KID -> key, 16 bytes each

    @property
    def key(self) -> bytes | None:
        """The key of the track, if it was given."""
        box = self.track.encryption
        return self.keys.get(box.default_kid) if box else None

    def read(self, one: Fragment) -> Iterator[bytes]:
        """The samples of a fragment as they are stored."""
        view = self.views[one.moof.place.file]
        for span in one.samples():
            yield view.read(span.start, min(span.end, span.start + _MAX_SAMPLE))


RULES: Rules[Samples] = Rules()


@RULES.rule("C1.key", NOTE, "ISO/IEC 23001-7:2023, 8.2")
def _key(subject: Samples) -> Iterator[Problem]:
    """The key is known, so that the samples could be looked at."""
    box = subject.track.encryption
    if box and subject.key is None:
        text = f"encrypted with KID {box.default_kid.hex()}: the samples were not looked at"
        yield Problem(subject.track.entry_node.place, text, "give its key: --key KID:KEY")


@RULES.rule("C1.frames", ERROR, "ISO/IEC 14496-12:2022, 8.8.8; the coding's own specification")
def _frames(subject: Samples) -> Iterator[Problem]:
    """The samples, decrypted, are frames of the track's coding."""
    track = subject.track
    box, scheme = track.encryption, track.scheme
    if track.config is None or (box and (subject.key is None or scheme is None)):
        return
    for one in track.fragments:
        samples = subject.read(one)
        try:
            if box and subject.key and scheme:
                samples = decrypted(samples, one, box, scheme, subject.key)
            wrong, count, first = _count(samples, one, track.config)
        except MalformedAuxiliary as exc:
            yield Problem(
                one.traf.place, f"cannot be decrypted: {exc}", "write senc for each sample"
            )
            return
        if wrong > count * _TOLERATED.get(track.config.codec, 0):
            codec = track.config.codec.value
            how = "decrypted with the key given, " if box else ""
            text = (
                f"{how}{wrong} of {count} samples are no {codec} frames, from sample {first + 1} on"
            )
            remedy = (
                "check key, IV and what is encrypted" if box else "check offsets and sizes in trun"
            )
            yield Problem((one.traf.find(b"trun") or one.traf).place, text, remedy)
            return


@RULES.rule("C2.replication", WARNING, "ISO/IEC 14496-3:2019, 1.6.6.3")
def _replication(subject: Samples) -> Iterator[Problem]:
    """AAC whose frames have spectral band replication says so."""
    track = subject.track
    if not track.fragments or track.config is None or not _is_silent_on_sbr(track.config):
        return
    first = track.fragments[0]
    box, scheme = track.encryption, track.scheme
    samples = subject.read(first)
    if box:
        if subject.key is None or scheme is None:
            return
        samples = decrypted(samples, first, box, scheme, subject.key)
    try:
        looked_at = [sbr.sbr_data(sample) is not None for sample in islice(samples, _LOOKED_AT)]
    except MalformedAuxiliary:
        return  # C1.frames tells of it
    if sum(looked_at) * 2 > len(looked_at):
        text = (
            "its frames have spectral band replication, which the decoder configuration is silent "
            "about: some players play half of the band"
        )
        remedy = "signal it: audio object type 5 or 29, mp4a.40.5 or mp4a.40.29"
        yield Problem(track.entry_node.place, text, remedy)


def _is_silent_on_sbr(config: CodecConfig) -> bool:
    if config.codec is not Codec.AAC:
        return False
    (esds,) = parse(config.config_box)
    return (
        isinstance(esds, ElementaryStreamBox) and aac.parse(esds.decoder_specific).is_silent_on_sbr
    )


def _count(samples: Iterator[bytes], one: Fragment, config: CodecConfig) -> tuple[int, int, int]:
    """How many samples are wrong, of how many, and which is the first."""
    looks = _LOOKS[config.codec]
    wrong = count = first = 0
    last = len(one.sizes) - 1
    for number, (sample, ticks) in enumerate(zip(samples, one.durations, strict=False)):
        count += 1
        if not looks(sample, 0 if number == last else ticks, config.channels):
            first = first if wrong else number
            wrong += 1
    return wrong, count, first


# Each takes a sample, its duration (0: not known) and the number of channels.


def _aac(sample: bytes, _: int, channels: int) -> bool:
    """It begins with an element of its layout, and ends with ID_END and zeros up to the byte.

    ISO/IEC 14496-3:2019, 4.5.2.1 and table 4.85. Data and fill elements may come first.
    """
    if not sample:
        return False
    kind, tag = sample[0] >> 5, sample[0] >> 1 & 15
    if kind not in _AAC_FILLERS and (kind not in _AAC_FIRST.get(channels, (0, 1, 5)) or tag):
        return False
    tail = int.from_bytes(sample[-2:], "big")
    return tail != 0 and (tail >> (tail & -tail).bit_length() - 1) & 7 == _AAC_END


_AAC_FIRST = {1: (0,), 2: (1, 0)}  # single channel element, channel pair element; 5: a program
_AAC_FILLERS = (4, 6)  # data stream, fill
_AAC_END = 7


def _alac(sample: bytes, _: int, __: int) -> bool:
    """Element, instance tag and 12 bits that are 0: ALACDecoder::Decode in Apple's sources."""
    head = int.from_bytes(sample[:3], "big")
    return len(sample) > 3 and head >> 21 in {0, 1, 3} and head >> 5 & 0xFFF == 0


def _opus(sample: bytes, ticks: int, _: int) -> bool:
    try:
        samples = opus.packet_samples(sample[:2])
    except MalformedMedia:
        return False
    return samples > 0 and (not ticks or samples == ticks)


def _flac(sample: bytes, _: int, __: int) -> bool:
    return len(sample) > 5 and sample[0] == 0xFF and sample[1] & 0xFE == 0xF8  # RFC 9639, 9.1


def _dolby(sample: bytes, _: int, __: int) -> bool:
    return sample[:2] == b"\x0b\x77"  # ETSI TS 102 366, 4.3.1


_LOOKS: Mapping[Codec, Callable[[bytes, int, int], bool]] = {
    Codec.AAC: _aac,
    Codec.OPUS: _opus,
    Codec.FLAC: _flac,
    Codec.ALAC: _alac,
    Codec.AC3: _dolby,
    Codec.EC3: _dolby,
}
_TOLERATED = {Codec.AAC: 0.25}  # share of frames: it has no mark to go by
