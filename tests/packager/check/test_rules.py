"""One planted defect for each rule: it is found, and it was not there before."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from unittest.mock import patch

import pytest

from packager.addressing import Addressing
from packager.boxes.file import SegmentIndexBox
from packager.check.rules import (
    across,
    boxes,
    dash,
    encryption,
    hls,
    hls_media,
    samples,
    segments,
    timing,
)
from packager.model import Kid, Scheme
from packager.pssh import System, playready
from tests.packager.check.staged import Edit, Stage, add, poke, rename, stage, staged, text
from tests.packager.conftest import Encode
from tests.packager.packages import write
from tests.support.he_aac import vector

TRAK = "moov/trak"
ENTRY = f"{TRAK}/mdia/minf/stbl/stsd"
TRAF = "moof/traf"

Base = Callable[[Encode], Stage]


def _base(
    *codecs: str, scheme: Scheme = Scheme.CLEAR, addressing: Addressing = Addressing.RANGES
) -> Base:
    return lambda encode: staged(encode, *codecs, scheme=scheme, addressing=addressing)


AAC = _base("aac")
OPUS = _base("opus")
FLAC = _base("flac")
CBCS = _base("aac", scheme=Scheme.CBCS)
CENC = _base("aac", scheme=Scheme.CENC)
OPUS_CBCS = _base("opus", scheme=Scheme.CBCS)
SEGMENTS = _base("aac", addressing=Addressing.SEGMENTS)
WHOLE = _base("aac", scheme=Scheme.AES_128)


def _two(encode: Encode) -> Stage:
    names = ("high", "low")
    return stage({name: write(encode("aac"), name=name, segment_s=2) for name in names})


def _two_cenc(encode: Encode) -> Stage:
    """Two bit rates with keys of their own, and equal IVs."""
    return stage(
        {
            name: write(encode("aac"), name=name, scheme=Scheme.CENC, kid=kid, segment_s=2)
            for kid, name in enumerate(("high", "low"), 1)
        }
    )


@dataclass(frozen=True)
class Defect:
    """What is done to which file of what."""

    rule: str
    base: Base
    file: str
    edit: Edit

    def __str__(self) -> str:
        return self.rule


def _line(pattern: str, replacement: str | Callable[[re.Match[str]], str], count: int = 1) -> Edit:
    return lambda data: re.sub(
        pattern, replacement, data.decode(), count=count, flags=re.MULTILINE
    ).encode()


def _drop(pattern: str) -> Edit:
    return _line(f"^{pattern}.*\n", "", count=0)


def _entries(data: bytes) -> tuple[list[str], list[str], str]:
    """A media playlist as what stands above, its segments (three lines each), its end."""
    lines = data.decode().splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if line.startswith("#EXTINF"))
    body = ["".join(lines[at : at + 3]) for at in range(first, len(lines) - 1, 3)]
    return lines[:first], body, lines[-1]


def _without_last(data: bytes) -> bytes:
    head, body, end = _entries(data)
    return "".join((*head, *body[:-1], end)).encode()


def _second_twice(data: bytes) -> bytes:
    head, body, end = _entries(data)
    return "".join((*head, *body[:2], *body[1:], end)).encode()


def _before_last(line: str) -> Edit:
    def edit(data: bytes) -> bytes:
        head, body, end = _entries(data)
        return "".join((*head, *body[:-1], f"{line}\n", body[-1], end)).encode()

    return edit


def _second_and_third_joined(data: bytes) -> bytes:
    head, body, end = _entries(data)
    pattern = r"#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.*)\n"
    one, two = (re.fullmatch(pattern, body[at]) for at in (1, 2))
    assert one
    assert two
    joined = (
        f"#EXTINF:{float(one[1]) + float(two[1]):.6f},\n"
        f"#EXT-X-BYTERANGE:{int(one[2]) + int(two[2])}@{one[3]}\n{one[4]}\n"
    )
    return "".join((*head, body[0], joined, *body[3:], end)).encode()


def _by_duration(data: bytes) -> bytes:
    """A grid of three seconds in the place of the timeline."""
    without = re.sub(rb"(?s)<SegmentTimeline>.*?</SegmentTimeline>", b"", data)
    return without.replace(b"<SegmentTemplate", b'<SegmentTemplate duration="132300"')


def _protected(system: System, inside: str) -> Edit:
    """One more key system in an MPD."""
    more = f'<ContentProtection schemeIdUri="urn:uuid:{system.value}">{inside}</ContentProtection>'
    return text("<Role", f"{more}<Role")


def _short_tail(encode: Encode) -> Stage:
    """What a packager without our rule makes of 4.2 seconds."""
    encoded = encode("aac", seconds=4.2)
    with patch("packager.segmenter.MIN_TAIL_S", Fraction(0)):
        return stage({"aac": write(encoded, name="aac", segment_s=2)})


def _he_aac(_: Encode) -> Stage:
    return stage({"aac": write(vector("he-backward.m4a"), name="aac", segment_s=1)})


def _silent_on_sbr(data: bytes) -> bytes:
    """The AudioSpecificConfig without its extension: AAC-LC, and nothing said of SBR."""
    return data.replace(bytes.fromhex("139056e5a0"), bytes.fromhex("1390000000"))


def _two_grids(encode: Encode) -> Stage:
    encoded = encode("aac")
    lengths = {"high": 2, "low": 4}
    return stage(
        {name: write(encoded, name=name, segment_s=length) for name, length in lengths.items()}
    )


def _unedited(data: bytes) -> bytes:
    return data + b"\n"


PLAYREADY = b64encode(playready([Kid(bytes(16))], Scheme.CBCS).encode()).decode()
SIDX = SegmentIndexBox(1, 44100, 0, 0, ()).encode()
MP4 = "aac.mp4"
LIST = "aac.m3u8"
MULTI = "multivariant.m3u8"
DASH = "manifest.mpd"
PRIMING_OFFSET = 'presentationTimeOffset="1024"'
AAC_GROUP = 'AUDIO="aac-44100-2ch"'

DEFECTS = [
    Defect("B0.readable", AAC, MP4, poke(f"{TRAK}/mdia/mdhd", 8, "07")),
    Defect("B3.order", AAC, MP4, rename("ftyp")),
    Defect("B3.extends", AAC, MP4, rename("moov/mvex")),
    Defect("B3.tables", AAC, MP4, rename(f"{TRAK}/mdia/minf/stbl/stco")),
    Defect("B3.flags", AAC, MP4, poke(f"{TRAK}/tkhd", 9, "000000")),
    Defect("B3.durations", AAC, MP4, poke("moov/mvhd", 24, "00001000")),
    Defect("B3.dates", AAC, MP4, poke("moov/mvhd", 12, "e7271083")),
    Defect("B7.brands", AAC, MP4, lambda data: data[:60].replace(b"cmfc", b"isom") + data[60:]),
    Defect("B8.loudness", AAC, MP4, rename(f"{TRAK}/udta")),
    Defect("B1.base", AAC, MP4, poke(f"{TRAF}/tfhd", 9, "000000")),
    Defect("B1.data", AAC, MP4, add(f"{TRAF}/trun", 16, -8)),
    Defect("B2.single", AAC, MP4, rename(f"{TRAF}/trun")),
    Defect("B2.data", AAC, MP4, rename("mdat")),
    Defect("B2.sync", AAC, MP4, poke("moov/mvex/trex", 28, "00010000")),
    Defect("B4.rate", AAC, MP4, poke(f"{ENTRY}/mp4a", 32, "7d000000")),
    Defect("B4.channels", AAC, MP4, poke(f"{ENTRY}/mp4a", 24, "0006")),
    Defect("B5.config", AAC, MP4, rename(f"{ENTRY}/mp4a/esds")),
    Defect("T7.blocks", FLAC, "flac.mp4", poke(f"{ENTRY}/fLaC/dfLa", 16, "000f")),
    Defect("B6.single", SEGMENTS, "aac/1.m4s", lambda data: SIDX + SIDX + data),
    Defect("B6.range", AAC, MP4, add("sidx", 40, 4)),
    Defect("B6.duration", AAC, MP4, add("sidx", 44, 4410)),
    Defect("T1.timescale", OPUS, "opus.mp4", poke(f"{TRAK}/mdia/mdhd", 20, "0000ac44")),
    Defect("T2.decode", AAC, MP4, add(f"{TRAF}/tfdt", 12, 1024, 8, which=1)),
    Defect("T2.zero", AAC, MP4, poke(f"{TRAF}/tfdt", 12, "0000000000000400")),
    Defect("T3.grid", AAC, MP4, poke("moov/mvex/trex", 20, "000003c0")),
    Defect("G1.edit", AAC, MP4, poke(f"{TRAK}/edts/elst", 16, "00001000")),
    Defect("G1.priming", AAC, MP4, rename(f"{TRAK}/edts")),
    Defect("G1.preskip", OPUS, "opus.mp4", add(f"{TRAK}/edts/elst", 20, 24)),
    Defect("G3.earliest", AAC, MP4, poke("sidx", 20, "0000000000000400")),
    Defect("G5.roll", OPUS, "opus.mp4", poke(f"{TRAK}/mdia/minf/stbl/sgpd", 24, "f100")),
    Defect("E4.sinf", CBCS, MP4, rename(f"{ENTRY}/enca/sinf/frma")),
    Defect("E1.scheme", CBCS, MP4, poke(f"{ENTRY}/enca/sinf/schm", 12, b"cens".hex())),
    Defect("E1.tenc", CBCS, MP4, poke(f"{ENTRY}/enca/sinf/schi/tenc", 8, "00")),
    Defect("E2.senc", CENC, MP4, add(f"{TRAF}/senc", 12, -1)),
    Defect(
        "E2.constant",
        _base("opus", scheme=Scheme.CBCS),
        "opus.mp4",
        rename(f"{TRAF}/sbgp", b"saiz"),
    ),
    Defect("E3.auxiliary", CENC, MP4, add(f"{TRAF}/saio", 16, 8)),
    Defect("E3.reuse", CENC, MP4, add(f"{TRAF}/senc", 24, -1, 8)),
    Defect("E6.pssh", CBCS, MP4, poke("moov/pssh", 32, "02")),
    Defect("C1.key", CBCS, MP4, poke(f"{ENTRY}/enca/sinf/schi/tenc", 16, "07")),
    Defect("C1.frames", CBCS, MP4, poke(f"{ENTRY}/enca/sinf/schi/tenc", 33, "60ff")),
    Defect("C2.replication", _he_aac, MP4, _silent_on_sbr),
    Defect("S1.range", AAC, LIST, _line(r"(BYTERANGE:\d+)@(\d+)", r"\1@100")),
    Defect("S1.complete", AAC, LIST, _without_last),
    Defect("T2.joined", AAC, LIST, _second_twice),
    Defect("T5.declared", AAC, LIST, _line(r"EXTINF:1\.\d+", "EXTINF:1.5")),
    Defect("T5.sum", AAC, LIST, _line(r"EXTINF:(\d\.\d\d)\d+", r"EXTINF:\1", count=0)),
    Defect("T5.tail", _short_tail, LIST, _unedited),
    Defect("T5.length", AAC, LIST, _second_and_third_joined),
    Defect("H0.syntax", AAC, LIST, _drop("#EXT-X-TARGETDURATION")),
    Defect("T6.target", AAC, LIST, _line(r"DURATION:\d+", "DURATION:3")),
    Defect("T5.zero", AAC, LIST, _line(r"EXTINF:[\d.]+", "EXTINF:0.000")),
    Defect("H4.version", AAC, LIST, _line(r"VERSION:\d+", "VERSION:3")),
    Defect("H4.offset", AAC, LIST, _line(r"(BYTERANGE:\d+)@\d+$", r"\1", count=0)),
    Defect("H4.map", AAC, LIST, _line(r'BYTERANGE="\d+@0"', 'BYTERANGE="32@0"')),
    Defect("H7.end", AAC, LIST, _drop("#EXT-X-ENDLIST")),
    Defect("H6.discontinuity", AAC, LIST, _before_last("#EXT-X-DISCONTINUITY")),
    Defect("H1.method", CBCS, LIST, text("METHOD=SAMPLE-AES,", "METHOD=SAMPLE-AES-CTR,")),
    Defect("H2.fairplay", CBCS, LIST, text('"identity"', '"com.apple.streamingkeydelivery"')),
    Defect("H2.iv", CBCS, LIST, _line(r"IV=0x\w\w", "IV=0xff")),
    Defect("H3.order", CBCS, LIST, _before_last("#EXT-X-KEY:METHOD=NONE")),
    Defect(
        "E8.whole", WHOLE, LIST, _line(r"(BYTERANGE:)(\d+)@", lambda m: f"{m[1]}{int(m[2]) - 1}@")
    ),
    Defect("H5.variants", AAC, MULTI, text('AUDIO="', 'AUDIO="x')),
    Defect("H5.bandwidth", AAC, MULTI, _line(r":BANDWIDTH=\d+", ":BANDWIDTH=64000")),
    Defect("B9.codecs", OPUS, MULTI, text('"Opus"', '"opus"')),
    Defect("H5.groups", AAC, MULTI, _line(r"^(#EXT-X-MEDIA:.*)$", r"\1\n\1")),
    Defect("H5.default", AAC, MULTI, text("DEFAULT=YES", "DEFAULT=NO")),
    Defect("H5.channels", AAC, MULTI, text('CHANNELS="2"', 'CHANNELS="6"')),
    Defect("H5.names", AAC, MULTI, text(',NAME="', ',CHARACTERISTIC="x",NAME="')),
    Defect("H3.session", CBCS, MULTI, _line(r"IV=0x\w\w", "IV=0xff")),
    Defect("H7.independent", AAC, MULTI, _drop("#EXT-X-INDEPENDENT-SEGMENTS")),
    Defect("D1.profile", SEGMENTS, DASH, _line(r"isoff-\w+", "isoff-on-demand")),
    Defect("D1.type", AAC, DASH, text("audio/mp4", "audio/mp3")),
    Defect("D1.range", AAC, DASH, _line(r'indexRange="(\d+)-\d+"', r'indexRange="\1-900"')),
    Defect("D1.channels", AAC, DASH, _line(r'(ChannelConfiguration" value=)"2"', r'\1"6"')),
    Defect("D1.rate", AAC, DASH, text("44100", "22050")),
    Defect("D1.codecs", AAC, DASH, text("mp4a.40.2", "mp4a.40.5")),
    Defect("D1.bandwidth", AAC, DASH, _line(r'bandwidth="\d+"', 'bandwidth="64000"')),
    Defect(
        "D2.duration", AAC, DASH, _line('minBufferTime="[^"]*"', 'minBufferTime="PT2.12345678S"')
    ),
    Defect("G2.end", AAC, DASH, text('duration="PT10.01S"', 'duration="PT11S"')),
    Defect(
        "G3.offset", AAC, DASH, text("<SegmentBase", '<SegmentBase presentationTimeOffset="1024"')
    ),
    Defect("D2.timeline", SEGMENTS, DASH, _line(r'<S t="0"', '<S t="44100"')),
    Defect("T3.template", SEGMENTS, DASH, _by_duration),
    Defect("D3.protection", CBCS, DASH, _line("<ContentProtection.*mp4protection.*\n", "")),
    Defect("E5.kid", CBCS, DASH, text('default_KID="01', 'default_KID="02')),
    Defect(
        *("E5.playready", CBCS, DASH),
        _protected(System.PLAYREADY, f"<cenc:pssh>{PLAYREADY}</cenc:pssh>"),
    ),
    Defect(*("D3.pssh", CBCS, DASH), _protected(System.COMMON, "<cenc:pssh>AAAA</cenc:pssh>")),
    Defect(
        *("D3.laurl", CBCS, DASH),
        _protected(System.CLEARKEY, '<d:laurl xmlns:d="http://dashif.org">x</d:laurl>'),
    ),
    Defect("T4.family", _base("aac", "opus"), MULTI, _line('AUDIO="opus[^"]*"', AAC_GROUP)),
    Defect("T4.aligned", _two_grids, DASH, _unedited),
    Defect("T4.priming", _two, "low.mp4", add(f"{TRAK}/edts/elst", 20, 10)),
    Defect("E3.shared", _two_cenc, "low.mp4", poke(f"{ENTRY}/enca/sinf/schi/tenc", 16, "01" * 16)),
]

SOUND = {_short_tail, _two_grids}  # bases that are the defect themselves
TRACK_RULES = (*boxes.RULES.all, *timing.RULES.all, *encryption.RULES.all)
RULE_IDS = (
    *(rule.id for rule in boxes.FILE.all),
    *(rule.id for rule in TRACK_RULES),
    *(rule.id for rule in samples.RULES.all),
    *(rule.id for rule in segments.RULES.all),
    *(rule.id for rule in hls_media.MEDIA.all),
    *(rule.id for rule in hls.PACKAGE.all),
    *(rule.id for rule in dash.RULES.all),
    *(rule.id for rule in across.SETS.all),
    *(rule.id for rule in across.EVERYTHING.all),
)


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_a_planted_defect_is_found(encode: Encode, defect: Defect) -> None:
    sound = defect.base(encode)

    found = sound.changed(defect.file, defect.edit).findings()

    ours = [finding for finding in found if finding.rule == defect.rule]
    assert ours, [(finding.rule, finding.problem) for finding in found]
    if defect.base not in SOUND:
        assert defect.rule not in sound.rules()
    for finding in ours:
        assert finding.clause
        assert finding.problem
        assert finding.remedy
        assert finding.offset is not None


def test_every_rule_has_its_defect() -> None:
    assert sorted(RULE_IDS) == sorted({defect.rule for defect in DEFECTS})
