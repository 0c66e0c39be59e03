"""The values that flow through the packager, from an encoder's file to a manifest.

Times are integers in ticks of the `timescale` beside them (ticks per second, which for
audio is the sampling rate); sizes and offsets are bytes; ranges are half-open.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Self
from uuid import UUID

from packager.bitrate import peak_bps


class Codec(StrEnum):
    """The audio codings that can be packaged."""

    AAC = "aac"
    OPUS = "opus"
    FLAC = "flac"
    ALAC = "alac"
    AC3 = "ac-3"
    EC3 = "ec-3"


class Scheme(StrEnum):
    """How media is protected.

    `CENC` and `CBCS` encrypt samples (ISO/IEC 23001-7:2023, clause 10); `AES_128` encrypts whole
    segments, container and all (RFC 8216, 4.3.2.4), for players without Encrypted Media
    Extensions; `CLEAR` is no protection.
    """

    CLEAR = "clear"
    CENC = "cenc"
    CBCS = "cbcs"
    AES_128 = "aes-128"


@dataclass(frozen=True, slots=True, order=True)
class Kid:
    """A key identifier: 16 bytes, in the order its UUID text is written (big-endian)."""

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) != 16:
            msg = f"a KID is 16 bytes, not {len(self.value)}"
            raise ValueError(msg)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 32 hex digits, with or without the dashes of a UUID; ValueError otherwise."""
        return cls(UUID(text).bytes)

    @property
    def hex(self) -> str:
        """32 lower-case hex digits."""
        return self.value.hex()

    def __str__(self) -> str:
        """The dashed lower-case form that `cenc:default_KID` wants."""
        return str(UUID(bytes=self.value))


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """A half-open range of bytes in a file."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """What a decoder has to know before the first sample."""

    codec: Codec
    codecs: str  # RFC 6381, as HLS wants it: mp4a.40.2, Opus, fLaC
    sample_entry: str  # four-character code of the clear sample entry: mp4a, Opus, fLaC
    config_box: bytes  # the whole esds, dOps, dfLa, ... box
    timescale: int  # ticks per second
    sample_rate_hz: int  # of the decoded signal
    channels: int
    bit_depth: int | None  # bits per sample of a lossless coding
    frame_ticks: int  # duration of every frame but the last; where they vary, of the longest
    roll_distance: int | None = None  # frames to decode before one is right; negative
    channel_configuration: int | None = None  # ISO/IEC 23091-3, 6.1 (CICP); None: not in its table
    joc_complexity: int | None = None  # objects of a Dolby Atmos E-AC-3. ETSI TS 103 420, 8.3.2.2


@dataclass(frozen=True, slots=True)
class Trim:
    """What to cut from the decoded signal to get the master's length back, in samples.

    `delay + samples + padding` is what a decoder gives; `samples` is what is presented.
    Counted at the rendition's own timescale.
    """

    delay: int
    samples: int
    padding: int


@dataclass(frozen=True, slots=True)
class SampleTable:
    """Per-sample data in columns: an object per sample would cost 50 times as much."""

    sizes: array[int]  # bytes
    durations: array[int]  # ticks; of a lossy coding what the frame decodes to
    offsets: array[int]  # bytes from the start of the source file
    # Frames that do not lie in one piece (Ogg packets over page borders), by number.
    pieces: Mapping[int, tuple[ByteSpan, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many samples (ISO BMFF samples: coded frames)."""
        return len(self.sizes)


@dataclass(frozen=True, slots=True)
class EncodedTrack:
    """One encoded audio track, demuxed: its samples still rest in the source file."""

    config: CodecConfig
    table: SampleTable
    trim: Trim


@dataclass(frozen=True, slots=True)
class TrackProtection:
    """The key that a track is encrypted with, and how."""

    scheme: Scheme
    kid: Kid
    key: bytes = field(repr=False)  # 16 bytes
    iv: bytes  # cbcs, aes-128: the 16-byte constant IV; cenc: the 8-byte IV of the first sample


@dataclass(frozen=True, slots=True)
class KeySignaling:
    """What the provider of a key wants key systems to be told of it, in place of what we would."""

    widevine: bytes | None = None  # the whole `pssh` box
    playready: bytes | None = None  # the whole `pssh` box
    fairplay: str | None = None  # the URI of HLS's key line


@dataclass(frozen=True, slots=True)
class Segment:
    """One CMAF segment (here always one fragment: a `moof` and its `mdat`)."""

    span: ByteSpan
    start: int  # presentation time, ticks
    duration: int  # ticks


@dataclass(frozen=True, slots=True)
class Rendition:
    """One packaged encoding of a track: everything a manifest or the origin needs to know of it."""

    name: str  # "aac-128k"
    tier: str  # an opaque label to the packager
    codec: Codec
    codecs: str  # RFC 6381
    timescale: int
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    trim: Trim
    init: ByteSpan  # ftyp and moov
    sidx: ByteSpan
    segments: tuple[Segment, ...]
    size: int  # bytes of the track file
    sha256: str  # hex, of the track file
    scheme: Scheme = Scheme.CLEAR
    kid: Kid | None = None
    iv: bytes | None = None  # the constant IV of cbcs and aes-128
    channel_configuration: int | None = None  # ISO/IEC 23091-3, 6.1 (CICP)
    joc_complexity: int | None = None  # objects of a Dolby Atmos E-AC-3
    signaling: KeySignaling | None = None  # where the key is a vendor's
    # What each part of the file is recognized by (`packager.digests`); empty where none were taken.
    digests: bytes = field(default=b"", repr=False)

    aes128: Rendition | None = None  # the same samples in a second file, whole segments encrypted

    @property
    def file(self) -> str:
        """Name of the track file inside the package's folder."""
        return f"{self.name}.mp4"

    @property
    def duration_s(self) -> Fraction:
        """Presented duration, seconds, exact."""
        return Fraction(self.trim.samples, self.timescale)

    @property
    def average_bps(self) -> int:
        """Media bytes of the whole track over its duration, bits per second, rounded up."""
        media = sum(segment.span.size for segment in self.segments)
        return -(-media * 8 // self.duration_s) if self.duration_s else 0

    @property
    def peak_bps(self) -> int:
        """The peak segment bit rate of its playlist, as `packager.bitrate` defines it."""
        return peak_bps(
            [segment.span.size for segment in self.segments],
            [segment.duration for segment in self.segments],
            self.timescale,
        )


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a track or an album is. EBU R 128; None where silence leaves nothing to measure."""

    integrated_lufs: float | None
    range_lu: float | None  # EBU Tech 3342
    true_peak_dbtp: float | None  # ITU-R BS.1770-4, annex 2


class TextKind(StrEnum):
    """Whether a text follows the music; the values are the suffixes of the files."""

    SYNCED = "vtt"
    PLAIN = "txt"


@dataclass(frozen=True, slots=True)
class TextTrack:
    """The lyrics of a track in one language: a whole file, and for HLS a file of segments.

    Each segment is a whole WebVTT file; they lie end to end in the second file. Clear: no key
    system protects text in players.
    """

    TIMESCALE = 1000  # of the segments: WebVTT counts milliseconds
    EMPTY_FILE = "no-lyrics.vtt"

    language: str  # BCP 47; "und" where nobody said
    kind: TextKind
    size: int  # bytes of the whole file
    sha256: str  # hex, of the whole file
    segments: tuple[Segment, ...] = ()  # none in plain text
    is_empty: bool = False  # no words in this language: one file stands for the whole and the parts

    @property
    def name(self) -> str:
        """What its files and its playlist are called."""
        return f"lyrics-{self.language.lower()}"

    @property
    def file(self) -> str:
        """Name of the whole file inside the package's folder."""
        return self.EMPTY_FILE if self.is_empty else f"{self.name}.{self.kind.value}"

    @property
    def segment_file(self) -> str:
        """Name of the file of segments."""
        if self.is_empty:
            return self.EMPTY_FILE
        return f"segments-{self.language.lower()}.vtt"


@dataclass(frozen=True, slots=True)
class Picture:
    """The cover in one size. It is stored by its content, for all tracks that have it."""

    width: int  # pixels
    height: int
    size: int  # bytes
    sha256: str  # hex
    ending: str = "jpg"

    @property
    def file(self) -> str:
        """Its name among the files of a package, where an origin serves it as one of them."""
        return f"cover-{self.width}x{self.height}.{self.ending}"


@dataclass(frozen=True, slots=True)
class Download:
    """A whole track in one plain file, for clients without an adaptive player. Never encrypted."""

    tier: str
    ending: str  # "m4a" or "mp3"
    average_bps: int
    size: int  # bytes
    sha256: str  # hex
    # Of each `packager.digests.PLAIN_PART` of it; empty where none were taken.
    digests: bytes = field(default=b"", repr=False)

    @property
    def file(self) -> str:
        """Name of the file inside the package's folder."""
        return f"download-{self.tier}.{self.ending}"


@dataclass(frozen=True, slots=True)
class Package:
    """All renditions of one revision of a track: the value that manifests are rendered from."""

    track_id: str
    revision: str
    title: str
    artist: str
    renditions: tuple[Rendition, ...]
    loudness: Loudness | None = None
    album_loudness: Loudness | None = None  # of the release, where that is known
    lyrics: tuple[TextTrack, ...] = ()
    pictures: tuple[Picture, ...] = ()  # the cover, smallest first
    downloads: tuple[Download, ...] = ()

    @property
    def duration_s(self) -> Fraction:
        """The longest rendition's presented duration, seconds (resampled ones differ by a tick)."""
        return max(rendition.duration_s for rendition in self.renditions)

    def rendition(self, name: str) -> Rendition | None:
        """The rendition of that name, if there is one; second files have names of their own."""
        return next((one for one in self.files() if one.name == name), None)

    def files(self) -> Iterator[Rendition]:
        """Every track file: each rendition, and its second file where it has one."""
        for one in self.renditions:
            yield one
            if one.aes128 is not None:
                yield one.aes128

    def only(
        self,
        tiers: Collection[str] | None = None,
        *,
        codecs: Collection[Codec] | None = None,
        max_bps: int | None = None,
    ) -> Package:
        """The same package with nothing but what passes every filter that is given.

        `max_bps` is compared with the peak bit rate. Downloads are filtered by tier alone.
        """

        def passes(one: Rendition) -> bool:
            return (
                (tiers is None or one.tier in tiers)
                and (codecs is None or one.codec in codecs)
                and (max_bps is None or one.peak_bps <= max_bps)
            )

        return replace(
            self,
            renditions=tuple(one for one in self.renditions if passes(one)),
            downloads=tuple(one for one in self.downloads if tiers is None or one.tier in tiers),
        )
