"""HLS playlists beside what they name. RFC 8216; draft-pantos-hls-rfc8216bis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from packager.boxes.protection import TrackEncryptionBox
from packager.check.findings import Problem, Rules, Severity
from packager.check.media import Media
from packager.check.playlist import Playlist, Tag, byte_range, hexadecimal, key_format, number
from packager.model import Codec

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_FAIRPLAY = "com.apple.streamingkeydelivery"
_METHODS = {"SAMPLE-AES": b"cbcs", "SAMPLE-AES-CTR": b"cenc"}
_BLOCK = 16  # bytes
_WITHIN = Fraction(1, 10)  # what an average bit rate may be off
_HEADROOM = Fraction(101, 100)  # rounding and boxes that writers count differently


@dataclass(frozen=True, slots=True)
class HlsMedia:
    """A media playlist and what it names; `media` is None where that could not be read."""

    playlist: Playlist
    media: Media | None


@dataclass(frozen=True, slots=True)
class HlsPackage:
    """A multivariant playlist with its media playlists, by address."""

    playlist: Playlist
    media: Mapping[str, HlsMedia]  # by the URI that names it

    def variants(self) -> Iterator[tuple[Tag, HlsMedia | None]]:
        """Each variant with its media."""
        for tag, uri in self.playlist.variants():
            yield tag, self.media.get(uri.value)

    def audio(self) -> Iterator[tuple[Tag, HlsMedia | None]]:
        """Each EXT-X-MEDIA of audio with its media: of its own URI, or of a variant's."""
        for tag in self.playlist.all("EXT-X-MEDIA"):
            attributes = tag.attributes
            if attributes.get("TYPE") != "AUDIO":
                continue
            uri = attributes.get("URI")
            if uri is None:
                same = (
                    media
                    for variant, media in self.variants()
                    if variant.attributes.get("AUDIO") == attributes.get("GROUP-ID")
                )
                yield tag, next(same, None)
            else:
                yield tag, self.media.get(uri)


MEDIA: Rules[HlsMedia] = Rules()
PACKAGE: Rules[HlsPackage] = Rules()


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
    media = subject.media
    if media is None or not media.segments:
        return
    if not media.header:
        yield Problem(subject.playlist.top, "has no EXT-X-MAP", "name ftyp and moov")
        return
    tag = subject.playlist.find("EXT-X-MAP")
    if tag and media.header_fault:
        remedy = "name the bytes from ftyp to the end of moov"
        yield Problem(tag.place, media.header_fault, remedy)


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
        if segment.discontinuity and previous and segment.header is previous.header:
            text = "a discontinuity inside one track: players stop and start the decoder"
            yield Problem(segment.discontinuity.place, text, "leave it out")
        previous = segment


@MEDIA.rule(
    "H1.method", ERROR, "RFC 8216, 4.3.2.4; RFC 8216bis, 4.4.4.4", answers="shaka-packager#358"
)
def _method(subject: HlsMedia) -> Iterator[Problem]:
    """EXT-X-KEY says how the samples are encrypted."""
    media = subject.media
    keys = subject.playlist.all("EXT-X-KEY")
    scheme = media.track.scheme if media else None
    if media and scheme and not any(key.attributes.get("METHOD") in _METHODS for key in keys):
        text = f"the samples are encrypted ({scheme.decode('latin-1')}), no EXT-X-KEY says so"
        yield Problem(subject.playlist.top, text, "write EXT-X-KEY before the first segment")
    for key in keys:
        attributes = key.attributes
        method = attributes.get("METHOD", "")
        if method not in {*_METHODS, "NONE", "AES-128"}:
            yield Problem(key.place, f"METHOD={method} is not known", "use SAMPLE-AES for cbcs")
        elif media and method in _METHODS and scheme != _METHODS[method]:
            inside = scheme.decode("latin-1") if scheme else "clear"
            yield Problem(key.place, f"METHOD={method}, but the samples are {inside}", "match them")
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
    box = subject.media.track.encryption if subject.media else None
    for key in subject.playlist.all("EXT-X-KEY"):
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
    segments = subject.playlist.segments
    for segment in segments[1:]:
        if segment.keys != segments[0].keys:
            text = "the keys change inside the track"
            remedy = "write every EXT-X-KEY before the first segment; no clear lead for music"
            yield Problem(segment.uri.place, text, remedy)
            return


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


@PACKAGE.rule("H5.variants", ERROR, "RFC 8216, 4.3.4.2", answers="shaka-packager#461")
def _variants(package: HlsPackage) -> Iterator[Problem]:
    """Every variant says its bit rates, codecs and existing groups."""
    playlist = package.playlist
    variants = list(playlist.variants())
    if not variants:
        text = "has no EXT-X-STREAM-INF: nothing to play"
        yield Problem(playlist.top, text, "write a variant for audio too")
    groups = {
        (tag.attributes.get("TYPE"), tag.attributes.get("GROUP-ID"))
        for tag in playlist.all("EXT-X-MEDIA")
    }
    for tag, _ in variants:
        attributes = tag.attributes
        if number(attributes.get("BANDWIDTH", "")) is None:
            yield Problem(tag.place, "has no BANDWIDTH", "write the peak bit rate")
        if "CODECS" not in attributes:
            text = "has no CODECS: players must guess or try"
            yield Problem(tag.place, text, "write CODECS", WARNING)
        if "AVERAGE-BANDWIDTH" not in attributes:
            text = "has no AVERAGE-BANDWIDTH"
            yield Problem(tag.place, text, "write the average bit rate", NOTE)
        for kind in ("AUDIO", "SUBTITLES"):
            if kind in attributes and (kind, attributes[kind]) not in groups:
                text = f"{kind} group {attributes[kind]!r} does not exist"
                yield Problem(tag.place, text, "name a GROUP-ID of an EXT-X-MEDIA")


@PACKAGE.rule("H5.bandwidth", ERROR, "RFC 8216bis, 4.4.6.2", answers="shaka-packager#498")
def _bandwidth(package: HlsPackage) -> Iterator[Problem]:
    """BANDWIDTH is no less than the largest segment's bit rate."""
    for tag, found in package.variants():
        attributes = tag.attributes
        peak = number(attributes.get("BANDWIDTH", ""))
        average = number(attributes.get("AVERAGE-BANDWIDTH", ""))
        media = found.media if found else None
        if media is None or peak is None or not media.duration_s:
            continue
        if peak * _HEADROOM < media.peak_bps:
            text = f"BANDWIDTH={peak}; a segment has {media.peak_bps} bits per second"
            yield Problem(tag.place, text, "write the rate of the largest segment, boxes included")
        if average and abs(average - media.average_bps) > media.average_bps * _WITHIN:
            text = f"AVERAGE-BANDWIDTH={average}; it is {media.average_bps}"
            yield Problem(tag.place, text, "write bytes over duration", WARNING)


@PACKAGE.rule(
    "B9.codecs", ERROR, "RFC 6381; RFC 8216, 4.3.4.2", answers="jellyfin#10066, Bento4#940"
)
def _codecs(package: HlsPackage) -> Iterator[Problem]:
    """CODECS is what the decoder configuration says."""
    for tag, found in package.variants():
        config = found.media.track.config if found and found.media else None
        names = [name.strip() for name in tag.attributes.get("CODECS", "").split(",")]
        if config is None or names == [""] or config.codecs in names:
            continue
        by_case = [name for name in names if name.lower() == config.codecs.lower()]
        if by_case:
            text = f"CODECS says {by_case[0]!r}: Apple's players refuse it"
        else:
            text = f"CODECS={','.join(names)}; the decoder configuration says {config.codecs}"
        yield Problem(tag.place, text, f"write {config.codecs}")


@PACKAGE.rule(
    "H5.groups",
    ERROR,
    "RFC 8216, 4.3.4.1, 4.3.4.1.1",
    answers="shaka-packager#857, shaka-packager#1169",
)
def _groups(package: HlsPackage) -> Iterator[Problem]:
    """Names in a group differ, and one of them at most is the default."""
    names: set[tuple[str, str, str]] = set()
    defaults: set[tuple[str, str]] = set()
    for tag in package.playlist.all("EXT-X-MEDIA"):
        attributes = tag.attributes
        group = attributes.get("TYPE", ""), attributes.get("GROUP-ID", "")
        if not all(group) or "NAME" not in attributes:
            yield Problem(tag.place, "lacks TYPE, GROUP-ID or NAME", "write all three")
            continue
        if (*group, attributes["NAME"]) in names:
            text = f"NAME {attributes['NAME']!r} is twice in group {group[1]!r}"
            yield Problem(tag.place, text, "name each rendition differently")
        names.add((*group, attributes["NAME"]))
        if attributes.get("DEFAULT") == "YES":
            if group in defaults:
                yield Problem(tag.place, f"a second DEFAULT in {group[1]!r}", "keep one")
            defaults.add(group)
            if attributes.get("AUTOSELECT", "YES") != "YES":
                yield Problem(tag.place, "DEFAULT=YES with AUTOSELECT=NO", "write AUTOSELECT=YES")


@PACKAGE.rule("H5.default", NOTE, "RFC 8216, 4.3.4.1", answers="shaka-packager#1169")
def _default(package: HlsPackage) -> Iterator[Problem]:
    """A group of audio has a default."""
    tags = [tag for tag, _ in package.audio()]
    if tags and all(tag.attributes.get("DEFAULT") != "YES" for tag in tags):
        text = "no audio rendition is the default"
        yield Problem(tags[0].place, text, "mark one in each group with DEFAULT=YES")


@PACKAGE.rule(
    "H5.channels", ERROR, "RFC 8216bis, 4.4.6.1", answers="shaka-packager#313, Bento4#821"
)
def _channels(package: HlsPackage) -> Iterator[Problem]:
    """CHANNELS, SAMPLE-RATE and BIT-DEPTH are the codec's."""
    for tag, found in package.audio():
        config = found.media.track.config if found and found.media else None
        if config is None:
            continue
        attributes = tag.attributes
        said = attributes.get("CHANNELS")
        if said is None:
            yield Problem(tag.place, "has no CHANNELS", f'write "{config.channels}"', WARNING)
        elif config.joc_complexity is None and number(said.partition("/")[0]) != config.channels:
            text = f"CHANNELS={said}; the decoder configuration has {config.channels}"
            yield Problem(tag.place, text, f'write "{config.channels}"')
        rate = attributes.get("SAMPLE-RATE")
        if rate is not None and number(rate) != config.sample_rate_hz:
            text = f"SAMPLE-RATE={rate}; it is {config.sample_rate_hz}"
            yield Problem(tag.place, text, f"write {config.sample_rate_hz}")
        depth = attributes.get("BIT-DEPTH")
        if depth is None and config.codec in {Codec.FLAC, Codec.ALAC}:
            text = "lossless without BIT-DEPTH: listeners cannot see what they get"
            yield Problem(tag.place, text, f"write {config.bit_depth}", NOTE)
        elif depth is not None and number(depth) != config.bit_depth:
            yield Problem(tag.place, f"BIT-DEPTH={depth}", f"write {config.bit_depth}")


@PACKAGE.rule("H5.names", WARNING, "RFC 8216bis, 4.4.6.1", answers="Bento4 mp4-dash.py")
def _misspelled(package: HlsPackage) -> Iterator[Problem]:
    """Attributes are spelled as the specification spells them."""
    for tag in (*package.playlist.all("EXT-X-MEDIA"), *package.playlist.all("EXT-X-STREAM-INF")):
        for name in sorted(set(tag.attributes) & {"CHARACTERISTIC", "PROGRAM-ID"}):
            right = "CHARACTERISTICS" if name == "CHARACTERISTIC" else "nothing"
            yield Problem(tag.place, f"attribute {name} does not exist", f"write {right}")


@PACKAGE.rule("H3.session", WARNING, "RFC 8216, 4.3.4.5", answers="shaka-packager#363")
def _session_keys(package: HlsPackage) -> Iterator[Problem]:
    """Session keys are those of the media playlists, each once."""
    session = package.playlist.all("EXT-X-SESSION-KEY")
    used = {
        tuple(sorted(key.attributes.items()))
        for found in package.media.values()
        for key in found.playlist.all("EXT-X-KEY")
    }
    seen = set()
    for key in session:
        attributes = tuple(sorted(key.attributes.items()))
        if attributes in seen:
            yield Problem(key.place, "a session key twice", "write each once")
        elif attributes not in used:
            text = "a session key that no media playlist has in this form"
            yield Problem(key.place, text, "repeat the attributes of EXT-X-KEY exactly")
        seen.add(attributes)


@PACKAGE.rule("H7.independent", NOTE, "RFC 8216, 4.3.5.1")
def _independent(package: HlsPackage) -> Iterator[Problem]:
    """The playlist says that segments stand alone."""
    if package.playlist.find("EXT-X-INDEPENDENT-SEGMENTS") is None:
        text = "has no EXT-X-INDEPENDENT-SEGMENTS"
        yield Problem(package.playlist.top, text, "write it: audio segments stand alone")
