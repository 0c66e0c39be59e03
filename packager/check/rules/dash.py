"""MPDs beside what they name. ISO/IEC 23009-1:2022; DASH-IF IOP."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from packager.boxes.base import parse
from packager.boxes.protection import ProtectionSystemBox
from packager.check.findings import Place, Problem, Rules, Severity
from packager.check.media import Media
from packager.check.playlist import number
from packager.check.presentation import CENC, Element, Presentation, Representation, seconds
from packager.check.rules.encryption import playready_problems
from packager.errors import MalformedMedia
from packager.model import Kid
from packager.pssh import System

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_MP4_PROTECTION = "urn:mpeg:dash:mp4protection:2011"
_CICP = frozenset(
    (
        "urn:mpeg:mpegB:cicp:ChannelConfiguration",
        "urn:mpeg:dash:23003:3:audio_channel_configuration:2011",
    )
)
_CLEARKEY = f"urn:uuid:{System.CLEARKEY.value}"
_CPS = "https://dashif.org/CPS"
_PLAYREADY = f"urn:uuid:{System.PLAYREADY.value}"
_DECIMALS = re.compile(r"\.(\d{7,})S")
_HALF = Fraction(1, 2)
_HEADROOM = Fraction(101, 100)


@dataclass(frozen=True, slots=True)
class DashPackage:
    """An MPD with what it names."""

    presentation: Presentation
    audio: tuple[tuple[Representation, Media], ...]  # what of it could be read


RULES: Rules[DashPackage] = Rules()


@RULES.rule("D1.profile", WARNING, "ISO/IEC 23009-1:2022, 8.3.3")
def _profile(package: DashPackage) -> Iterator[Problem]:
    """The MPD keeps to the profile it names."""
    root = package.presentation.root
    if "isoff-on-demand" not in (root.get("profiles") or ""):
        return
    for parent, representations in package.presentation.sets:
        for one in representations:
            if one.pieces is not None:
                text = "segments with URLs of their own in the on-demand profile"
                yield Problem(one.element.place, text, "name another profile, or use SegmentBase")
                return
        if parent.get("subsegmentAlignment") != "true" and len(representations) > 1:
            text = "subsegmentAlignment is not true"
            yield Problem(parent.place, text, "align the renditions and say so")
        if parent.get("subsegmentStartsWithSAP") is None and parent.get("contentType") == "audio":
            text = "has no subsegmentStartsWithSAP"
            yield Problem(parent.place, text, "write 1: audio can start anywhere", NOTE)


@RULES.rule("D1.type", ERROR, "ISO/IEC 23009-1:2022, 5.3.7.2")
def _mime_type(package: DashPackage) -> Iterator[Problem]:
    """A Representation has its id, bandwidth and media type."""
    for one, _ in package.audio:
        mime = one.element.inherited("mimeType")
        if mime != "audio/mp4":
            text = f"mimeType is {mime!r}" if mime else "has no mimeType"
            yield Problem(one.element.place, text, "write audio/mp4")
        if one.element.get("id") is None or number(one.element.get("bandwidth") or "") is None:
            yield Problem(one.element.place, "has no id or no bandwidth", "write both")


@RULES.rule("D1.range", ERROR, "ISO/IEC 23009-1:2022, 5.3.9.2.2")
def _ranges(package: DashPackage) -> Iterator[Problem]:
    """Initialization and indexRange are the header and the sidx."""
    for one, media in package.audio:
        place = one.addressing.place if one.addressing else one.element.place
        if media.header_fault:
            remedy = "name the bytes from ftyp to the end of moov"
            yield Problem(place, media.header_fault, remedy)
        if one.pieces is not None:
            continue
        index = next(iter(media.track.indexes), None)
        if index is None:
            yield Problem(place, "SegmentBase for a file without sidx", "write a sidx")
        elif one.index is None:
            yield Problem(place, "has no indexRange", "name the bytes of the sidx")
        elif (one.index.start, one.index.end) != (index.start, index.end):
            text = f"indexRange {one.index.start}-{one.index.end - 1}"
            wanted = f"write {index.start}-{index.end - 1}"
            exact = one.addressing and one.addressing.get("indexRangeExact") == "true"
            inside = one.index.start <= index.start and one.index.end >= index.end
            yield Problem(place, text, wanted, WARNING if inside and not exact else ERROR)


@RULES.rule(
    "D1.channels", ERROR, "ISO/IEC 23009-1:2022, 5.8.5.4; 23091-3, 6.1", answers="Bento4#821"
)
def _channels(package: DashPackage) -> Iterator[Problem]:
    """AudioChannelConfiguration is the codec's."""
    for one, media in package.audio:
        config = media.track.config
        if not one.channels:
            text = "has no AudioChannelConfiguration"
            yield Problem(one.element.place, text, "write one", WARNING)
        for element in one.channels:
            wanted = config.channel_configuration if config else None
            value = number(element.get("value") or "")
            if element.get("schemeIdUri") in _CICP and wanted is not None and value != wanted:
                text = f"channel configuration {value}; the decoder configuration says {wanted}"
                yield Problem(element.place, text, f"write {wanted}")


@RULES.rule("D1.rate", ERROR, "ISO/IEC 23009-1:2022, 5.3.7.2")
def _rate(package: DashPackage) -> Iterator[Problem]:
    """The audioSamplingRate is the codec's."""
    for one, media in package.audio:
        said = number(one.element.inherited("audioSamplingRate") or "")
        config = media.track.config
        if said is not None and config and said != config.sample_rate_hz:
            text = f"audioSamplingRate is {said}; it is {config.sample_rate_hz}"
            yield Problem(one.element.place, text, f"write {config.sample_rate_hz}")


@RULES.rule(
    "D1.codecs",
    ERROR,
    "RFC 6381; ISO/IEC 23009-1:2022, 5.3.7.2",
    answers="hls.js#4772, shaka-player#5454",
)
def _codecs(package: DashPackage) -> Iterator[Problem]:
    """The codecs attribute is what the decoder configuration says."""
    for one, media in package.audio:
        said = one.element.inherited("codecs")
        config = media.track.config
        if config is None or said == config.codecs:
            continue
        if said is None:
            yield Problem(one.element.place, "has no codecs", f"write {config.codecs}")
        elif said.lower() == config.codecs.lower():
            text = f"codecs={said!r}: browsers know it, the registry says {config.codecs!r}"
            yield Problem(one.element.place, text, f"write {config.codecs}", NOTE)
        else:
            text = f"codecs={said!r}; the decoder configuration says {config.codecs}"
            yield Problem(one.element.place, text, f"write {config.codecs}")


@RULES.rule(
    "D1.bandwidth",
    ERROR,
    "ISO/IEC 23009-1:2022, 5.3.5.2",
    answers="shaka-packager#389, shaka-packager#758",
)
def _bandwidth(package: DashPackage) -> Iterator[Problem]:
    """The bandwidth is no less than the bit rate."""
    for one, media in package.audio:
        said = number(one.element.get("bandwidth") or "")
        if said is None:
            continue
        if said * _HEADROOM < media.average_bps:
            text = f"bandwidth={said}; on average it is {media.average_bps}"
            yield Problem(one.element.place, text, "write the rate that a buffer needs")
        elif said * _HEADROOM < media.peak_bps:
            text = f"bandwidth={said}; a segment has {media.peak_bps}"
            yield Problem(one.element.place, text, "write the peak: buffers run dry", WARNING)


@RULES.rule("D2.duration", WARNING, "ISO/IEC 23009-1:2022, 5.3.1.2; W3C XML Schema, 3.2.6")
def _durations(package: DashPackage) -> Iterator[Problem]:
    """Durations are decimal and not longer than they are exact."""
    root = package.presentation.root
    elements = [(root, "mediaPresentationDuration"), (root, "minBufferTime")]
    elements += [(period, "duration") for period in package.presentation.periods]
    elements += [(period, "start") for period in package.presentation.periods]
    for element, name in elements:
        text = element.get(name)
        if text is None:
            continue
        if seconds(text) is None:
            yield Problem(element.place, f"{name}={text!r} is no duration", "write PT1.5S", ERROR)
        elif _DECIMALS.search(text):
            remedy = "write six decimals at most"
            yield Problem(element.place, f"{name}={text} is a rounded float", remedy)
    if root.get("type") != "dynamic" and root.get("mediaPresentationDuration") is None:
        text = "has no mediaPresentationDuration"
        yield Problem(root.place, text, "write it: static presentations end", ERROR)


@RULES.rule("G2.end", WARNING, "ISO/IEC 23009-1:2022, 5.3.2.2", answers="livesim2#267")
def _end(package: DashPackage) -> Iterator[Problem]:
    """The Period lasts as long as the music."""
    periods = package.presentation.periods
    root = package.presentation.root
    for period in periods:
        said = seconds(period.get("duration"))
        if said is None and len(periods) == 1:
            said = seconds(root.get("mediaPresentationDuration"))
        own = [media for one, media in package.audio if _is_inside(one, period)]
        if said is None or not own:
            continue
        longest = max(media.duration_s for media in own)
        if abs(longest - said) > Fraction(1, 1000):
            place = period.place if period.get("duration") else root.place
            off = abs(longest - said) > max(media.frame_s for media in own)
            text = f"is said to last {float(said):.6f} s; the audio lasts {float(longest):.6f}"
            yield Problem(place, text, "write the presented duration", WARNING if off else NOTE)


def _is_inside(one: Representation, period: Element) -> bool:
    return any(element.xml is period.xml for element in one.element.above)


@RULES.rule("G3.offset", ERROR, "ISO/IEC 23009-1:2022, 5.3.9.2", answers="DASH-IF-IOP#168")
def _offset(package: DashPackage) -> Iterator[Problem]:
    """The presentationTimeOffset does not cut the priming a second time."""
    for one, media in package.audio:
        track = media.track
        if one.offset and track.delay:
            offset = Fraction(one.offset, one.timescale)
            if offset == Fraction(track.delay, track.timescale):
                place = one.addressing.place if one.addressing else one.element.place
                text = "presentationTimeOffset cuts the priming that the edit list cuts already"
                yield Problem(place, text, "leave it 0")


@RULES.rule("D2.timeline", ERROR, "ISO/IEC 23009-1:2022, 5.3.9.6", answers="livesim2#210")
def _timeline(package: DashPackage) -> Iterator[Problem]:
    """A SegmentTimeline has the times of the segments."""
    for one, media in package.audio:
        for segment, (start, _) in zip(media.segments, media.presented, strict=True):
            if segment.starts_s is None or not segment.fragments or _by_duration(one):
                continue
            said = segment.starts_s - Fraction(one.offset, one.timescale)
            if abs(said - start) > media.frame_s + Fraction(
                media.track.delay, media.track.timescale
            ):
                text = f"a segment starts at {float(start):.6f} s, not at {float(said):.6f}"
                yield Problem(segment.place, text, "write presentation times, after the edit list")
                break


@RULES.rule("T3.template", ERROR, "ISO/IEC 23009-1:2022, 5.3.9.5.3")
def _template(package: DashPackage) -> Iterator[Problem]:
    """@duration stays within half a segment of the frames' grid."""
    for one, media in package.audio:
        if not _by_duration(one):
            continue
        for segment, (start, _) in zip(media.segments, media.presented, strict=True):
            if segment.starts_s is None or segment.declared_s is None:
                continue
            if abs(segment.starts_s - start) > segment.declared_s * _HALF:
                text = (
                    f"a segment starts {float(start - segment.starts_s):.3f} s off @duration's grid"
                )
                yield Problem(segment.place, text, "use SegmentTimeline: audio frames have a grid")
                break


def _by_duration(one: Representation) -> bool:
    return one.addressing is not None and one.addressing.get("duration") is not None


@RULES.rule("D3.protection", ERROR, "ISO/IEC 23009-1:2022, 5.8.4.1; 23001-7:2023, 11.2")
def _protection(package: DashPackage) -> Iterator[Problem]:
    """Encrypted samples are announced, first the scheme, then the systems."""
    for one, media in package.audio:
        box, scheme = media.track.encryption, media.track.scheme
        common = [e for e in one.protections if e.get("schemeIdUri") == _MP4_PROTECTION]
        if box is None or scheme is None:
            if common:
                text = "ContentProtection for samples in the clear"
                yield Problem(common[0].place, text, "leave it out")
            continue
        if not common:
            text = f"the samples are encrypted ({scheme.decode('latin-1')}), nothing says so"
            yield Problem(one.element.place, text, f"write ContentProtection {_MP4_PROTECTION}")
            continue
        if common[0].get("value") != scheme.decode("latin-1"):
            text = f"value={common[0].get('value')!r}; the scheme is {scheme.decode('latin-1')}"
            yield Problem(common[0].place, text, "write the scheme of schm")
        if one.protections[0].xml is not common[0].xml:
            text = "the scheme stands behind key systems"
            yield Problem(common[0].place, text, "write it first", WARNING)


@RULES.rule("E5.kid", ERROR, "ISO/IEC 23001-7:2023, 11.2")
def _kid(package: DashPackage) -> Iterator[Problem]:
    """default_KID is the file's."""
    for one, media in package.audio:
        box = media.track.encryption
        for element in one.protections:
            said = element.get(f"{{{CENC}}}default_KID")
            if box is None or said is None:
                continue
            wanted = str(Kid(box.default_kid))
            if said.lower() != wanted:
                text = f"default_KID is {said}; tenc says {wanted}"
                yield Problem(element.place, text, "write the KID of tenc, big-endian")
            elif said != wanted:
                text = f"default_KID {said} in upper case"
                yield Problem(element.place, text, "write it in lower case", NOTE)


@RULES.rule(
    "E5.playready",
    ERROR,
    "PlayReady Header Specification, 4.3",
    answers="Bento4#697, shaka-packager#961, shaka-packager#743",
)
def _playready(package: DashPackage) -> Iterator[Problem]:
    """The PlayReady object is about that KID, in GUID order."""
    for one, media in package.audio:
        box = media.track.encryption
        for element in one.protections:
            if box is None or (element.get("schemeIdUri") or "").lower() != _PLAYREADY:
                continue
            for data in _pssh_data(element):
                for text, remedy in playready_problems(data, box.default_kid, media.track.scheme):
                    yield Problem(element.place, text, remedy)


def _pssh_data(element: Element) -> Iterator[bytes]:
    for child in element.xml.findall(f"{{{CENC}}}pssh"):
        try:
            boxes = parse(b64decode(child.text or "", validate=True))
        except (ValueError, MalformedMedia):
            continue  # D3.pssh says it
        yield from (box.data for box in boxes if isinstance(box, ProtectionSystemBox))


@RULES.rule("D3.pssh", ERROR, "ISO/IEC 23001-7:2023, 11.2")
def _pssh(package: DashPackage) -> Iterator[Problem]:
    """A cenc:pssh holds one box, of the system it stands in."""
    for one, _ in package.audio:
        for element in one.protections:
            for child in element.xml.findall(f"{{{CENC}}}pssh"):
                fault = _pssh_fault((child.text or "").strip(), element)
                if fault:
                    yield Problem(_inner(element, "cenc:pssh"), fault, "write the box in base64")


def _pssh_fault(text: str, element: Element) -> str:
    try:
        boxes = parse(b64decode(text, validate=True))
    except ValueError:
        return "is no base64"
    except MalformedMedia as exc:
        return f"holds no pssh box: {exc}"
    if len(boxes) != 1 or not isinstance(boxes[0], ProtectionSystemBox):
        return "does not hold one pssh box"
    system = boxes[0].system_id.hex()
    said = (element.get("schemeIdUri") or "").lower().removeprefix("urn:uuid:").replace("-", "")
    return "" if said == system else f"is of system {system}, not of the element's"


@RULES.rule("D3.laurl", WARNING, "DASH-IF IOP part 6 v5", answers="Bento4#953, dash.js#4459")
def _laurl(package: DashPackage) -> Iterator[Problem]:
    """The license URL is in the namespace of today."""
    for one, _ in package.audio:
        for element in one.protections:
            if (element.get("schemeIdUri") or "").lower() != _CLEARKEY:
                continue
            names = [child.tag for child in element.xml if isinstance(child.tag, str)]  # type: ignore[redundant-expr]  # comments have none
            urls = [name for name in names if name.rpartition("}")[2].lower() == "laurl"]
            if urls and f"{{{_CPS}}}Laurl" not in urls:
                text = f"the license URL is {urls[0]}: players of today do not know it"
                yield Problem(_inner(element, "Laurl"), text, f"write Laurl of {_CPS} beside it")


def _inner(element: Element, name: str) -> Place:
    place = element.place
    return Place(place.file, f"{place.path}/{name}", place.offset)
