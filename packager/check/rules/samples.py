"""The coded frames themselves: whether they are, after decryption, what the track says.

Every sample of every fragment is read. This is what shows a wrong key, a wrong IV, a frame off
its place: a manifest cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from packager.check.decryption import MalformedAuxiliary, decrypted
from packager.check.findings import Problem, Rules, Severity
from packager.check.source import View
from packager.check.track import Fragment, Track
from packager.codecs import opus
from packager.errors import MalformedMedia
from packager.model import Codec

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
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
    box = subject.track.encryption
    if box and subject.key is None:
        text = f"encrypted with KID {box.default_kid.hex()}: the samples were not looked at"
        yield Problem(subject.track.entry_node.place, text, "give its key: --key KID:KEY")


@RULES.rule("C1.frames", ERROR, "ISO/IEC 14496-12:2022, 8.8.8; the coding's own specification")
def _frames(subject: Samples) -> Iterator[Problem]:
    track = subject.track
    box, scheme = track.encryption, track.scheme
    if track.config is None or (box and (subject.key is None or scheme is None)):
        return
    looks = _LOOKS[track.config.codec]
    for one in track.fragments:
        samples = subject.read(one)
        try:
            if box and subject.key and scheme:
                samples = decrypted(samples, one, box, scheme, subject.key)
            wrong, count, first = _count(samples, one, looks)
        except MalformedAuxiliary as exc:
            yield Problem(
                one.traf.place, f"cannot be decrypted: {exc}", "write senc for each sample"
            )
            return
        if wrong > count * track_tolerance(track.config.codec):
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


def _count(
    samples: Iterator[bytes], one: Fragment, looks: Callable[[bytes, int], bool]
) -> tuple[int, int, int]:
    wrong = count = first = 0
    last = len(one.sizes) - 1
    for number, (sample, ticks) in enumerate(zip(samples, one.durations, strict=False)):
        count += 1
        if not looks(sample, 0 if number == last else ticks):
            first = first if wrong else number
            wrong += 1
    return wrong, count, first


def track_tolerance(codec: Codec) -> float:
    """Share of frames that may look wrong: some codings have no mark to go by."""
    return 0.25 if codec in {Codec.AAC, Codec.ALAC} else 0


_ID_END = 7  # ISO/IEC 14496-3:2019, table 4.85


def _aac(sample: bytes, _: int) -> bool:
    """It begins with an element and ends with ID_END and zeros up to the byte."""
    if not sample or sample[0] >> 5 == _ID_END:
        return False
    tail = int.from_bytes(sample[-2:], "big")
    return tail != 0 and (tail >> (tail & -tail).bit_length() - 1) & 7 == _ID_END


def _alac(sample: bytes, _: int) -> bool:
    """The last element is ID_END, as in AAC; its zeros are up to the byte as well."""
    return _aac(sample, 0)


def _opus(sample: bytes, ticks: int) -> bool:
    try:
        samples = opus.packet_samples(sample[:2])
    except MalformedMedia:
        return False
    return samples > 0 and (not ticks or samples == ticks)


def _flac(sample: bytes, _: int) -> bool:
    return len(sample) > 5 and sample[0] == 0xFF and sample[1] & 0xFE == 0xF8  # RFC 9639, 9.1


def _dolby(sample: bytes, _: int) -> bool:
    return sample[:2] == b"\x0b\x77"  # ETSI TS 102 366, 4.3.1


_LOOKS: Mapping[Codec, Callable[[bytes, int], bool]] = {
    Codec.AAC: _aac,
    Codec.OPUS: _opus,
    Codec.FLAC: _flac,
    Codec.ALAC: _alac,
    Codec.AC3: _dolby,
    Codec.EC3: _dolby,
}
