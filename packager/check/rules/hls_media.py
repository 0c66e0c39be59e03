"""HLS media playlists beside what they name. RFC 8216; draft-pantos-hls-rfc8216bis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from packager.boxes.protection import TrackEncryptionBox
from packager.check.findings import Problem, Rules, Severity
from packager.check.media import Media
from packager.check.playlist import (
    MediaSegment,
    Playlist,
    Tag,
    byte_range,
    hexadecimal,
    key_format,
    number,
)

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_FAIRPLAY = "com.apple.streamingkeydelivery"
_METHODS = {"SAMPLE-AES": b"cbcs", "SAMPLE-AES-CTR": b"cenc"}
_BLOCK = 16  # bytes
_WITHIN = Fraction(1, 10)  # what an average bit rate may be off
_HEADROOM = Fraction(101, 100)  # rounding and boxes that writers count differently


@dataclass(frozen=True, slots=True)
class HlsPart:
    """The segments of one header: a whole playlist, or a track of a release."""

    segments: tuple[MediaSegment, ...]
    media: Media | None  # None where it could not be read

    @property
    def keys(self) -> tuple[Tag, ...]:
        """Every EXT-X-KEY that is in force in it, once."""
        return tuple(dict.fromkeys(key for segment in self.segments for key in segment.keys))


@dataclass(frozen=True, slots=True)
class HlsMedia:
    """A media playlist and what it names."""

    playlist: Playlist
    parts: tuple[HlsPart, ...]

    @property
    def media(self) -> tuple[Media, ...]:
        """What of it could be read."""
        return tuple(part.media for part in self.parts if part.media)


MEDIA: Rules[HlsMedia] = Rules()


@MEDIA.rule("H0.syntax", ERROR, "RFC 8216, 4.1, 4.3")
def _syntax(subject: HlsMedia) -> Iterator[Problem]:
    """A media playlist has what every one must have."""
    playlist = subject.playlist
    if not playlist.tags or playlist.tags[0].name != "EXTM3U":
        yield Problem(playlist.top, "does not begin with #EXTM3U", "write it on the first line")
    target = playlist.find("EXT-X-TARGETDURATION")
    if target is None or number(target.value) is None:
        text = "has no EXT-X-TARGETDURATION that is a whole number"
        yield Problem(playlist.top, text, "write it above the first segment")
    for segment in playlist.segments:
        if segment.duration is None:
            yield Problem(segment.uri.place, "has no EXTINF", "write one before each segment")
            break
    if not playlist.segments:
        yield Problem(playlist.top, "has no segments", "name at least one")


@MEDIA.rule(
    "T6.target",
    ERROR,
    "RFC 8216, 4.3.3.1; RFC 8216bis, 4.4.3.1",
    answers="shaka-packager#841, shaka-packager#1510",
)
def _target(subject: HlsMedia) -> Iterator[Problem]:
    """TARGETDURATION is the longest segment, rounded to nearest."""
    tag = subject.playlist.find("EXT-X-TARGETDURATION")
    longest = max((one.duration for one in subject.playlist.segments if one.duration), default=None)
    value = number(tag.value) if tag else None
    if tag is None or value is None or longest is None:
        return
    wanted = max(1, int(longest + Fraction(1, 2)))
    if value < wanted:
        text = f"{value}, but a segment lasts {float(longest):.3f} s"
        yield Problem(tag.place, text, f"write {wanted}")
    elif value > wanted:
        text = f"{value} for segments of at most {float(longest):.3f} s: players buffer more"
        yield Problem(tag.place, text, f"write {wanted}, rounded to nearest", WARNING)


@MEDIA.rule("T5.zero", ERROR, "RFC 8216, 4.3.2.1", answers="shaka-packager#1496")
def _zero(subject: HlsMedia) -> Iterator[Problem]:
    """No segment lasts nothing."""
    for segment in subject.playlist.segments:
        if segment.duration is not None and segment.duration < Fraction(1, 100):
            text = f"a segment of {float(segment.duration):.3f} s"
            yield Problem(segment.uri.place, text, "merge it into the segment before it")


@MEDIA.rule("H4.version", ERROR, "RFC 8216, 7")
def _version(subject: HlsMedia) -> Iterator[Problem]:
    """EXT-X-VERSION is high enough for what the playlist uses."""
    playlist = subject.playlist
    tag = playlist.find("EXT-X-VERSION")
    version = (number(tag.value) or 1) if tag else 1
    needed, why = 1, ""
    keys = [key.attributes for key in playlist.all("EXT-X-KEY")]
    for level, name, used in (
        (2, "an IV", any("IV" in key for key in keys)),
        (3, "EXTINF with decimals", any("." in one.value for one in playlist.all("EXTINF"))),
        (4, "EXT-X-BYTERANGE", playlist.find("EXT-X-BYTERANGE") is not None),
        (5, "KEYFORMAT", any("KEYFORMAT" in key for key in keys)),
        (6, "EXT-X-MAP", playlist.find("EXT-X-MAP") is not None),
    ):
        if used:
            needed, why = level, name
    if version < needed:
        text = f"{'version ' + str(version) if tag else 'no EXT-X-VERSION'}, but uses {why}"
        yield Problem(tag.place if tag else playlist.top, text, f"write {needed}")


@MEDIA.rule("H4.offset", WARNING, "RFC 8216, 4.3.2.2")
def _explicit(subject: HlsMedia) -> Iterator[Problem]:
    """Byte ranges say their offset."""
    for tag in subject.playlist.all("EXT-X-BYTERANGE"):
        if byte_range(tag.value) is None:
            yield Problem(tag.place, f"{tag.value!r} is no range", "write length@offset", ERROR)
        elif "@" not in tag.value:
            text = "a byte range without an offset: it depends on every one before it"
            yield Problem(tag.place, text, "write length@offset always")
        else:
            continue
        return


@MEDIA.rule("H4.map", ERROR, "RFC 8216, 4.3.2.5")
def _map(subject: HlsMedia) -> Iterator[Problem]:
    """EXT-X-MAP names the header, whole."""
    remedy = "name the bytes from ftyp to the end of moov"
    for part in subject.parts:
        tag = part.segments[0].header
        if part.media and tag is None:
            yield Problem(subject.playlist.top, "has no EXT-X-MAP", remedy)
        elif part.media and tag and part.media.header_fault:
            yield Problem(tag.place, part.media.header_fault, remedy)


@MEDIA.rule("H7.end", WARNING, "RFC 8216, 4.3.3.4, 4.3.3.5")
def _end(subject: HlsMedia) -> Iterator[Problem]:
    """A finished playlist says so."""
    if subject.playlist.segments and subject.playlist.find("EXT-X-ENDLIST") is None:
        text = "has no EXT-X-ENDLIST: players take it for a live stream"
        yield Problem(subject.playlist.top, text, "end it with EXT-X-ENDLIST")


@MEDIA.rule("H6.discontinuity", WARNING, "RFC 8216, 4.3.2.3", answers="shaka-packager#1543")
def _discontinuity(subject: HlsMedia) -> Iterator[Problem]:
    """There is no discontinuity inside a track."""
    previous = None
    for segment in subject.playlist.segments:
        # Lyrics have no header: of a release, another track's are in another file.
        goes_on = previous and (
            segment.header is previous.header
            if segment.header
            else segment.uri.value == previous.uri.value
        )
        if segment.discontinuity and goes_on:
            text = "a discontinuity inside one track: players stop and start the decoder"
            yield Problem(segment.discontinuity.place, text, "leave it out")
        previous = segment


@MEDIA.rule(
    "H1.method", ERROR, "RFC 8216, 4.3.2.4; RFC 8216bis, 4.4.4.4", answers="shaka-packager#358"
)
def _method(subject: HlsMedia) -> Iterator[Problem]:
    """EXT-X-KEY says how the samples are encrypted."""
    for part in subject.parts:
        scheme = part.media.track.scheme if part.media else None
        methods = {key.attributes.get("METHOD") for key in part.keys}
        if scheme and methods.isdisjoint(_METHODS):
            text = f"the samples are encrypted ({scheme.decode('latin-1')}), no EXT-X-KEY says so"
            place = part.segments[0].uri.place
            yield Problem(place, text, "write EXT-X-KEY before the first segment")
        for key in part.keys:
            method = key.attributes.get("METHOD", "")
            if part.media and method in _METHODS and scheme != _METHODS[method]:
                inside = scheme.decode("latin-1") if scheme else "clear"
                text = f"METHOD={method}, but the samples are {inside}"
                yield Problem(key.place, text, "match them")
    for key in subject.playlist.all("EXT-X-KEY"):
        yield from _method_problems(key)


def _method_problems(key: Tag) -> Iterator[Problem]:
    attributes = key.attributes
    method = attributes.get("METHOD", "")
    if method not in {*_METHODS, "NONE", "AES-128"}:
        yield Problem(key.place, f"METHOD={method} is not known", "use SAMPLE-AES for cbcs")
    if method != "NONE" and "URI" not in attributes:
        yield Problem(key.place, "has no URI", "say where the key is")
    if method == "SAMPLE-AES-CTR" and "IV" in attributes:
        text = "IV with SAMPLE-AES-CTR: every sample has its own"
        yield Problem(key.place, text, "leave it out", WARNING)


@MEDIA.rule(
    "H2.fairplay",
    WARNING,
    "FairPlay Streaming; RFC 8216, 4.3.2.4",
    answers="Bento4#555, Bento4#683",
)
def _fairplay(subject: HlsMedia) -> Iterator[Problem]:
    """The FairPlay line is one that Apple's players take."""
    for key in subject.playlist.all("EXT-X-KEY"):
        attributes = key.attributes
        if key_format(key) != _FAIRPLAY:
            continue
        if "IV" in attributes:
            yield Problem(key.place, "an IV for FairPlay", "leave it out: the license carries it")
        if not attributes.get("URI", "").startswith("skd://"):
            yield Problem(key.place, "a FairPlay URI that is not skd://", "write skd://")


@MEDIA.rule("H2.iv", ERROR, "RFC 8216, 4.3.2.4, 5.2")
def _iv(subject: HlsMedia) -> Iterator[Problem]:
    """The IV is 128 bits, and the one in the file."""
    for part in subject.parts:
        yield from _iv_problems(part)


def _iv_problems(part: HlsPart) -> Iterator[Problem]:
    box = part.media.track.encryption if part.media else None
    for key in part.keys:
        attributes = key.attributes
        if "IV" not in attributes:
            continue
        iv = hexadecimal(attributes["IV"])
        if iv is None:
            text = f"IV={attributes['IV']} is no number of 128 bits"
            yield Problem(key.place, text, "write 0x and 32 digits")
        elif attributes.get("METHOD") == "SAMPLE-AES" and box and _constant(box) not in {None, iv}:
            text = f"IV {iv.hex()}, in tenc it is {box.default_constant_iv.hex()}"
            yield Problem(key.place, text, "write the constant IV of tenc")


def _constant(box: TrackEncryptionBox) -> bytes | None:
    return box.default_constant_iv.ljust(_BLOCK, b"\0") if box.default_constant_iv else None


@MEDIA.rule("H3.order", WARNING, "RFC 8216, 4.3.2.4")
def _key_order(subject: HlsMedia) -> Iterator[Problem]:
    """The keys stand above the first segment and stay."""
    for part in subject.parts:
        changed = (one for one in part.segments if one.keys != part.segments[0].keys)
        for segment in islice(changed, 1):
            text = "the keys change inside the track"
            remedy = "write every EXT-X-KEY before the first segment; no clear lead for music"
            yield Problem(segment.uri.place, text, remedy)


@MEDIA.rule(
    "E8.whole",
    ERROR,
    "RFC 8216, 4.3.2.4, 4.3.2.5, 5.2",
    answers="Bento4#127, hls.js#2259, shaka-player#5667",
)
def _whole_segments(subject: HlsMedia) -> Iterator[Problem]:
    """Segments that are encrypted whole are padded, their header is clear."""
    for segment in subject.playlist.segments:
        whole = [key for key in segment.keys if key.attributes.get("METHOD") == "AES-128"]
        if whole and segment.span and segment.span.size % _BLOCK:
            text = f"an encrypted segment of {segment.span.size} bytes: no whole blocks"
            yield Problem(segment.uri.place, text, "pad each segment by PKCS7")
            return
        own = [key for key in segment.header_keys if key.attributes.get("METHOD") == "AES-128"]
        if own and segment.header:
            if "IV" not in own[0].attributes:
                text = "EXT-X-MAP behind an EXT-X-KEY without IV: it would be encrypted"
                yield Problem(segment.header.place, text, "write EXT-X-MAP before EXT-X-KEY")
            return
