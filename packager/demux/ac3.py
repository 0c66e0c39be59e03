"""AC-3 and E-AC-3 elementary streams. ETSI TS 102 366 V1.4.1, Annexes E and F.

A sample is what decodes to 1536 samples of the signal: one AC-3 frame, or of E-AC-3 six blocks
of every substream (F.5). Like ADTS such a stream says nothing about priming and padding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from packager.boxes.dolby import Ac3SpecificBox, Ec3SpecificBox, IndependentSubstream
from packager.codecs import ac3
from packager.demux import syncframe
from packager.demux.id3 import Id3Tag
from packager.demux.stream import ByteStream, TableBuilder
from packager.demux.syncframe import BSI, DEPENDENT, SyncFrame
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import CodecConfig, EncodedTrack, Trim

_BLOCKS = 6  # of a sample


@dataclass(slots=True)
class _Unit:
    """The frames that make one sample, as they come in."""

    offset: int
    frames: list[SyncFrame] = field(default_factory=list)
    blocks: int = 0  # of the first program
    size: int = 0  # bytes

    def add(self, frame: SyncFrame) -> None:
        self.frames.append(frame)
        self.size += frame.size
        if _begins(frame):
            self.blocks += frame.blocks


def _begins(frame: SyncFrame) -> bool:
    """Whether a frame is of the first program; other substreams come after it. E.1.3.1.2."""
    return frame.stream_type != DEPENDENT and frame.substream == 0


def read(stream: ByteStream, tag: Id3Tag) -> EncodedTrack:
    """Read a stream; UnsupportedMedia where it changes on the way."""
    samples = TableBuilder()
    first: _Unit | None = None
    unit = _Unit(tag.end)
    at = tag.end
    while at < tag.audio_end:
        frame = syncframe.parse(stream.at(at, BSI), at)
        if at + frame.size > tag.audio_end:
            raise MalformedMedia("the file ends inside a frame", path="AC-3", offset=at)
        if _begins(frame) and unit.blocks == _BLOCKS:
            first = _end(unit, first, samples)
            unit = _Unit(at)
        unit.add(frame)
        at += frame.size
    first = _end(unit, first, samples)
    table = samples.table("AC-3 frames")
    decoded = len(table) * ac3.FRAME
    config = _config(first.frames, sum(table.sizes), decoded)
    return EncodedTrack(config, table, Trim(0, decoded, 0))


def _end(unit: _Unit, first: _Unit | None, samples: TableBuilder) -> _Unit:
    """Note a sample; it must be made as the first one was."""
    if unit.blocks != _BLOCKS:
        problem = f"a sample of {unit.blocks} blocks, not {_BLOCKS}"
        raise MalformedMedia(problem, path="AC-3", offset=unit.offset)
    if first is not None and _made(unit) != _made(first):
        raise UnsupportedMedia("an AC-3 stream that changes on the way")
    samples.add(unit.offset, unit.size, ac3.FRAME)
    return first or unit


def _made(unit: _Unit) -> list[tuple[object, ...]]:
    return [
        (one.enhanced, one.stream_type, one.substream, one.fscod, one.acmod, one.lfeon)
        for one in unit.frames
    ]


def _config(frames: list[SyncFrame], size: int, decoded: int) -> CodecConfig:
    main = frames[0]
    if not main.enhanced:
        return ac3.from_dac3(
            Ac3SpecificBox(
                main.fscod, main.bsid, main.bsmod, main.acmod, main.lfeon, main.bit_rate_code
            )
        )
    rate = ac3.RATES[main.fscod]
    kbps = min(-(-size * 8 * rate // (decoded * 1000)), (1 << 13) - 1)
    complexity = next(
        (one.complexity_index for one in frames if one.complexity_index is not None), None
    )
    return ac3.from_dec3(Ec3SpecificBox(kbps, tuple(_programs(frames)), complexity))


def _programs(frames: list[SyncFrame]) -> list[IndependentSubstream]:
    """Each independent substream with the dependent ones behind it. F.6.2."""
    programs: list[IndependentSubstream] = []
    extras: list[dict[int, int]] = []  # dependent substream -> chan_loc
    known: set[int] = set()
    for frame in frames:
        if frame.stream_type == DEPENDENT:
            if extras:
                extras[-1][frame.substream] = ac3.chan_loc(frame.channel_map or 0)
        elif frame.substream not in known:
            known.add(frame.substream)
            programs.append(
                IndependentSubstream(frame.fscod, frame.bsid, frame.bsmod, frame.acmod, frame.lfeon)
            )
            extras.append({})
    return [_extended(one, more) for one, more in zip(programs, extras, strict=True)]


def _extended(one: IndependentSubstream, dependent: dict[int, int]) -> IndependentSubstream:
    locations = 0
    for more in dependent.values():
        locations |= more
    return IndependentSubstream(
        one.fscod, one.bsid, one.bsmod, one.acmod, one.lfeon, len(dependent), locations
    )
