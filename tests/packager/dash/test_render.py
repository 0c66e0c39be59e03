"""The MPD against the schema of ISO/IEC 23009-1 and against what it must say."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from packager.addressing import Addressing
from packager.dash.render import mpd
from packager.model import Loudness, Package, Scheme
from packager.pssh import System
from packager.systems import KeySystems
from tests.packager.conftest import Encode
from tests.packager.packages import ALBUM_LOUDNESS, SAMPLE_SCHEMES, package, write

SCHEMA = Path(__file__).parents[4] / "shared" / "reference" / "schemas" / "DASH-MPD.xsd"
NS = {"d": "urn:mpeg:dash:schema:mpd:2011", "cenc": "urn:mpeg:cenc:2013"}


@pytest.fixture(params=SAMPLE_SCHEMES)
def album_track(request: pytest.FixtureRequest, encode: Encode) -> Package:
    scheme: Scheme = request.param
    return package(
        write(encode("flac"), name="flac", tier="lossless", scheme=scheme, kid=3)[0],
        write(encode("aac"), scheme=scheme)[0],
        write(encode("aac"), name="aac-320k", tier="premium", scheme=scheme, kid=2)[0],
        write(encode("opus"), name="opus-96k", scheme=scheme)[0],
    )


def _tree(one: Package) -> etree._Element:
    return etree.fromstring(mpd(one, media_base="../../").encode())


def _strings(tree: etree._Element, path: str) -> list[str]:
    found = tree.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [str(one) for one in found]


def test_loudness_is_a_property_of_the_period_and_of_the_album(album_track: Package) -> None:
    tree = _tree(replace(album_track, album_loudness=ALBUM_LOUDNESS))
    named = "d:SupplementalProperty[@schemeIdUri='urn:headwater:loudness:{}:2026']/@value"

    assert _strings(tree, "d:Period/" + named.format("track")) == [
        "integrated=-14.2,range=5.3,true-peak=-1.1"
    ]
    assert _strings(tree, named.format("album")) == ["integrated=-13.7,range=9,true-peak=0.4"]
    silent = replace(album_track, loudness=Loudness(None, None, None), album_loudness=None)
    assert "loudness" not in mpd(silent)


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"the MPEG-DASH schema is not at {SCHEMA}")
def test_the_mpd_is_valid(album_track: Package) -> None:
    of_album = replace(album_track, album_loudness=ALBUM_LOUDNESS)
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(_tree(of_album))


def test_one_adaptation_set_per_codec_rate_and_kid(album_track: Package) -> None:
    """shaka-streamer#18, #185."""
    tree = _tree(album_track)
    sets = [
        _strings(one, "d:Representation/@id") for one in tree.iterfind(".//d:AdaptationSet", NS)
    ]
    if album_track.renditions[0].kid is None:
        assert sets == [["aac-128k", "aac-320k"], ["opus-96k"], ["flac"]]
    else:
        assert sets == [["aac-128k"], ["aac-320k"], ["opus-96k"], ["flac"]]
        switching = ".//d:SupplementalProperty[contains(@schemeIdUri, 'switching')]/@value"
        assert _strings(tree, switching) == ["1,2,3", "0,2,3", "0,1,3", "0,1,2"]


def test_ranges_and_bandwidths_are_the_files(album_track: Package) -> None:
    tree = _tree(album_track)
    for element in tree.iterfind(".//d:Representation", NS):
        one = album_track.rendition(element.get("id", ""))
        assert one
        assert element.attrib["bandwidth"] == str(one.peak_bps)
        assert _strings(element, "d:BaseURL/text()") == [f"../../{one.file}"]
        assert _strings(element, "d:SegmentBase/@indexRange") == [
            f"{one.sidx.start}-{one.sidx.end - 1}"
        ]
        assert _strings(element, "d:SegmentBase/d:Initialization/@range") == [
            f"0-{one.init.end - 1}"
        ]


def test_durations_are_plain_decimals(album_track: Package) -> None:
    """packagers.md D2: no float noise, no exponents."""
    tree = _tree(album_track)

    assert tree.attrib["mediaPresentationDuration"] == "PT10.01S"
    assert _strings(tree, "d:Period/@duration") == ["PT10.01S"]


def test_protection_names_the_scheme_and_the_kid_first(album_track: Package) -> None:
    tree = _tree(album_track)
    scheme = album_track.renditions[0].scheme
    protected = list(tree.iterfind(".//d:AdaptationSet", NS))
    for element in protected:
        systems = _strings(element, "d:ContentProtection/@schemeIdUri")
        if scheme is Scheme.CLEAR:
            assert systems == []
            continue
        assert systems == [
            "urn:mpeg:dash:mp4protection:2011",
            "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e",
        ]
        name = _strings(element, "d:Representation/@id")[0]
        one = album_track.rendition(name)
        assert one
        assert _strings(element, "d:ContentProtection/@cenc:default_KID") == [str(one.kid)]
        assert _strings(element, "d:ContentProtection[1]/@value") == [scheme.value]


def test_nobody_is_told_where_to_ask_for_a_license(album_track: Package) -> None:
    assert "laurl" not in mpd(album_track).lower()


def test_text_is_escaped(album_track: Package) -> None:
    assert _strings(_tree(album_track), ".//d:Title/text()") == ['Rain & "Röck"']


def test_the_order_does_not_depend_on_the_keys(album_track: Package) -> None:
    again = package(*reversed(album_track.renditions))

    assert mpd(again) == mpd(album_track)


ALL_SYSTEMS = KeySystems(
    widevine=True,
    playready=True,
    fairplay=True,
    playready_la_url="https://license.example/pr",
    clearkey_la_url="https://license.example/ck",
)


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"the MPEG-DASH schema is not at {SCHEMA}")
@pytest.mark.parametrize("addressing", list(Addressing))
@pytest.mark.parametrize("systems", [KeySystems(), ALL_SYSTEMS], ids=["none", "all"])
def test_every_form_is_valid(
    album_track: Package, addressing: Addressing, systems: KeySystems
) -> None:
    text = mpd(album_track, addressing=addressing, systems=systems)

    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(etree.fromstring(text.encode()))


def test_key_systems_are_signalled_in_order(album_track: Package) -> None:
    """packagers.md D3: shaka-packager#743 (mspr:pro), Bento4#953, androidx/media#1345 (Laurl)."""
    tree = etree.fromstring(mpd(album_track, systems=ALL_SYSTEMS).encode())
    scheme = album_track.renditions[0].scheme
    first = tree.find(".//d:AdaptationSet", NS)
    assert first is not None
    systems = _strings(first, "d:ContentProtection/@schemeIdUri")[1:]
    if scheme is Scheme.CLEAR:
        assert systems == []
        return
    wanted = [System.CLEARKEY, System.WIDEVINE, System.PLAYREADY]
    if scheme is Scheme.CBCS:
        wanted.append(System.FAIRPLAY)

    assert systems == [f"urn:uuid:{system.value}" for system in wanted]
    urls = [element.text for element in first.iter("{*}Laurl")]
    spaces = [etree.QName(element).namespace for element in first.iter("{*}Laurl")]
    assert urls == ["https://license.example/ck"] * 2
    assert spaces == ["https://dashif.org/CPS", "http://dashif.org/guidelines/clearKey"]
    boxes = [b64decode(element.text or "") for element in first.iter("{urn:mpeg:cenc:2013}pssh")]
    assert [box[12:28] for box in boxes] == [
        System.WIDEVINE.value.bytes,
        System.PLAYREADY.value.bytes,
    ]
    pro = first.findtext(".//{urn:microsoft:playready}pro")
    assert b64decode(pro or "") == boxes[1][32:]


def test_a_timeline_is_exact(album_track: Package) -> None:
    """packagers.md T3 and G3: presentation times, no approximate durations."""
    tree = etree.fromstring(mpd(album_track, addressing=Addressing.SEGMENTS).encode())
    for element in tree.iterfind(".//d:Representation", NS):
        one = album_track.rendition(element.get("id", ""))
        assert one
        times = []
        for entry in element.iter("{urn:mpeg:dash:schema:mpd:2011}S"):
            start, ticks = int(entry.get("t", "")), int(entry.get("d", ""))
            repeats = range(int(entry.get("r", "0")) + 1)
            times += [(start + number * ticks, ticks) for number in repeats]
        assert times == [(segment.start, segment.duration) for segment in one.segments]
        template = element.find("d:SegmentTemplate", NS)
        assert template is not None
        assert template.get("media") == f"{one.name}/$Number$.m4s"
        assert template.get("startNumber") == "1"
