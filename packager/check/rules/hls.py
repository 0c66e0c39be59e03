"""HLS multivariant playlists beside what they name. RFC 8216; draft-pantos-hls-rfc8216bis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from packager.check.findings import Problem, Rules, Severity
from packager.check.playlist import Playlist, Tag, number
from packager.check.rules.hls_media import HlsMedia
from packager.model import Codec, CodecConfig

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_WITHIN = Fraction(1, 10)  # what an average bit rate may be off
_HEADROOM = Fraction(101, 100)  # rounding and boxes that writers count differently


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


PACKAGE: Rules[HlsPackage] = Rules()


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
        said = number(tag.attributes.get("BANDWIDTH", ""))
        said_average = number(tag.attributes.get("AVERAGE-BANDWIDTH", ""))
        media = found.media if found else ()
        duration = sum((one.duration_s for one in media), Fraction(0))
        if said is None or not duration:
            continue
        peak = max(one.peak_bps for one in media)
        if said * _HEADROOM < peak:
            text = f"BANDWIDTH={said}; a segment has {peak} bits per second"
            yield Problem(tag.place, text, "write the rate of the largest segment, boxes included")
        average = int(sum(one.size for one in media) * 8 / duration)
        if said_average and abs(said_average - average) > average * _WITHIN:
            text = f"AVERAGE-BANDWIDTH={said_average}; it is {average}"
            yield Problem(tag.place, text, "write bytes over duration", WARNING)


@PACKAGE.rule(
    "B9.codecs", ERROR, "RFC 6381; RFC 8216, 4.3.4.2", answers="jellyfin#10066, Bento4#940"
)
def _codecs(package: HlsPackage) -> Iterator[Problem]:
    """CODECS is what the decoder configuration says."""
    for tag, found in package.variants():
        config = found.media[0].track.config if found and found.media else None
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
        configs = [one.track.config for one in found.media if one.track.config] if found else []
        if configs:
            yield from _channel_problems(tag, configs)


def _channel_problems(tag: Tag, configs: Sequence[CodecConfig]) -> Iterator[Problem]:
    """The best of all tracks is what has to be said. 4.4.6.1."""
    first = configs[0]
    channels = max(one.channels for one in configs)
    highest = max(one.sample_rate_hz for one in configs)
    deepest = max((one.bit_depth for one in configs if one.bit_depth), default=None)
    attributes = tag.attributes
    said = attributes.get("CHANNELS")
    if said is None:
        yield Problem(tag.place, "has no CHANNELS", f'write "{channels}"', WARNING)
    elif first.joc_complexity is None and number(said.partition("/")[0]) != channels:
        text = f"CHANNELS={said}; the decoder configuration has {channels}"
        yield Problem(tag.place, text, f'write "{channels}"')
    rate = attributes.get("SAMPLE-RATE")
    if rate is not None and number(rate) != highest:
        yield Problem(tag.place, f"SAMPLE-RATE={rate}; it is {highest}", f"write {highest}")
    depth = attributes.get("BIT-DEPTH")
    if depth is None and first.codec in {Codec.FLAC, Codec.ALAC}:
        text = "lossless without BIT-DEPTH: listeners cannot see what they get"
        yield Problem(tag.place, text, f"write {deepest}", NOTE)
    elif depth is not None and number(depth) != deepest:
        yield Problem(tag.place, f"BIT-DEPTH={depth}", f"write {deepest}")


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
