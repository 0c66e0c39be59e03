"""The key server's logic: every preset with every mix of systems, and what is refused."""

from __future__ import annotations

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import m3u8
import pytest
from lxml import etree

from drm import speke
from drm.cpix import Identity, Recipients, read
from drm.cpix.errors import CpixError, InvalidCpix, MalformedXml, SealedKeysRefused
from drm.cpix.model import Document
from drm.model import ContentKey
from drm.speke import SpekeRefused
from packager.model import Kid, Scheme
from packager.systems import KeySystems
from tests.support import cpix_oracle
from tests.support.certificates import NOW, rsa_pair
from tests.support.speke_requests import (
    AUDIO_PRESETS,
    FAIRPLAY,
    MIXES,
    PLAYREADY,
    PRESETS,
    VIDEO_PRESETS,
    WIDEVINE,
    kid_of,
    request,
)

SYSTEMS = KeySystems(widevine_provider="vendor", playready_la_url="https://example.com/?a&b")
CPIX = "{urn:dashif:org:cpix}"
IV = bytes(range(16))
KEYFORMATS = {
    WIDEVINE: f"urn:uuid:{WIDEVINE}",
    PLAYREADY: "com.microsoft.playready",
    FAIRPLAY: "com.apple.streamingkeydelivery",
}


@cache
def schema(*, multivariant: bool) -> etree.XMLSchema:
    return cpix_oracle.schema(multivariant=multivariant)


def answered(
    body: bytes, version: str = "2.0", recipients: Recipients | None = None
) -> tuple[bytes, dict[Kid, ContentKey]]:
    asked = speke.parse_request(body, version)
    iv = IV if asked.scheme is Scheme.CBCS else IV[:8]
    keys = {one.kid: ContentKey(one.kid, one.kid.value[::-1], one.iv or iv) for one in asked.wanted}
    return speke.answer(asked, keys, SYSTEMS, recipients, NOW), keys


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: "-".join(one[:4] for one in mix))
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_every_preset_with_every_mix(version: str, preset: str, mix: tuple[str, ...]) -> None:
    types = PRESETS[preset]
    cpix = speke.VERSIONS[version].value
    data, keys = answered(request(types, mix, version=cpix, period='index="0"'), version)
    document = read(data)
    assert (document.version.value, document.content_id) == (cpix, "test_case")
    assert [str(one.kid) for one in document.keys] == [kid_of("test_case", one) for one in types]
    assert [one.key for one in document.keys] == [keys[one.kid].key for one in document.keys]
    assert len(document.systems) == len(types) * len(mix)
    for one in document.systems:
        assert (one.pssh is None) == (str(one.system) == FAIRPLAY)
        assert (one.content_protection is None) == (str(one.system) == FAIRPLAY)
        assert len(one.hls) == 2
        assert all(signaling.data for signaling in one.hls)
    ivs = {one.explicit_iv for one in document.keys}
    assert ivs == ({IV} if FAIRPLAY in mix else {None})
    assert [one.track_type for one in document.rules] == list(types)


def test_the_presets_are_all_of_them() -> None:
    assert len(PRESETS) == len(VIDEO_PRESETS) * len(AUDIO_PRESETS) - 1 + 1
    assert len(MIXES) == 7


@pytest.mark.parametrize("mix", MIXES)
def test_an_answer_is_valid_by_the_schema(mix: tuple[str, ...]) -> None:
    data, _ = answered(request(systems=mix, period='index="0"'))
    schema(multivariant=False).assertValid(etree.fromstring(data))
    body = request(systems=mix, version="2.4", multivariant="multiVariant")
    data, _ = answered(body, "2.1")
    schema(multivariant=True).assertValid(etree.fromstring(data))


def test_nothing_but_the_empty_places_changes() -> None:
    body = request(("SD", "HD", "AUDIO"), (WIDEVINE, PLAYREADY), period='index="7"')
    before, after = etree.fromstring(body), etree.fromstring(answered(body)[0])
    for key in after.iter(f"{CPIX}Data"):
        assert key.getparent() is not None
    kept = [one.tag for one in before.iter()]
    added = {f"{CPIX}Data"} | {
        f"{{urn:ietf:params:xml:ns:keyprov:pskc}}{name}" for name in ("Secret", "PlainValue")
    }
    assert [one.tag for one in after.iter() if one.tag not in added] == kept
    for one, other in zip(
        before.iter(), (e for e in after.iter() if e.tag not in added), strict=True
    ):
        assert one.items() == other.items()


def test_a_rotation_window_comes_back_as_it_was() -> None:
    window = 'index="1" start="2026-01-01T00:00:00Z" end="2026-01-01T00:05:00+00:00"'
    data, _ = answered(request(version="2.4", period=window), "2.1")
    period = next(etree.fromstring(data).iter(f"{CPIX}ContentKeyPeriod"))
    assert f'index="{period.get("index")}" start="{period.get("start")}"' in window
    assert period.get("end") == "2026-01-01T00:05:00+00:00"
    assert read(data).periods[0].end == datetime(2026, 1, 1, 0, 5, tzinfo=UTC)


def test_the_prefixes_are_those_that_packagers_look_for() -> None:
    data, _ = answered(request())
    assert data.count(b"<pskc:PlainValue>") == 2
    assert b"pksc" not in data  # what the requests of AWS's own suite say
    assert b" id=" not in answered(request().replace(b' version="2', b' id="x" version="2'))[0]


def test_widevine_is_told_the_same_in_every_place() -> None:
    data, _ = answered(request(("AUDIO",), (WIDEVINE,)))
    one = read(data).systems[0]
    assert one.pssh is not None
    assert one.content_protection is not None
    size, name = struct.unpack(">I4s", one.pssh[:8])
    assert (size, name) == (len(one.pssh), b"pssh")
    for part in (UUID(WIDEVINE).bytes, one.kid.value, b"test_case", b"vendor"):
        assert part in one.pssh
    element = etree.fromstring(one.content_protection)
    assert element.tag == "{urn:mpeg:cenc:2013}pssh"
    assert b64decode(element.text or "") == one.pssh
    assert str(one.kid.hex).encode() in one.hls[0].data


def test_playready_is_told_the_same_in_every_place() -> None:
    body = request(("AUDIO",), (PLAYREADY,)).replace(
        b"</cpix:DRMSystem>", b"<cpix:SmoothStreamingProtectionHeaderData/></cpix:DRMSystem>"
    )
    one = read(answered(body)[0]).systems[0]
    assert one.pssh is not None
    assert one.content_protection is not None
    assert one.smooth is not None
    wrapped = etree.fromstring(b"<x>" + one.content_protection + b"</x>")
    pro = wrapped.findtext("{urn:microsoft:playready}pro") or ""
    assert b64decode(wrapped.findtext("{urn:mpeg:cenc:2013}pssh") or "") == one.pssh
    assert one.pssh.endswith(b64decode(pro))
    assert pro == one.smooth
    assert "https://example.com/?a&amp;b".encode("utf-16-le") in one.pssh


@pytest.mark.parametrize("system", [WIDEVINE, PLAYREADY, FAIRPLAY])
@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_both_playlists_name_one_key(system: str, scheme: str) -> None:
    if (system, scheme) == (FAIRPLAY, "cenc"):
        return
    one = read(answered(request(("AUDIO",), (system,), scheme=scheme))[0]).systems[0]
    media, multivariant = (signaling.data.decode() for signaling in one.hls)
    assert media.startswith("#EXT-X-KEY:METHOD=")
    assert multivariant.startswith("#EXT-X-SESSION-KEY:METHOD=")
    assert media.partition(":")[2] == multivariant.partition(":")[2]
    key = m3u8.loads(f"#EXTM3U\n{media}\n#EXTINF:1,\na\n").keys[0]
    assert key.method == ("SAMPLE-AES" if scheme == "cbcs" else "SAMPLE-AES-CTR")
    assert key.keyformat == KEYFORMATS[system]
    assert key.keyformatversions == "1"


def test_the_packagers_own_iv_is_the_keys_iv() -> None:
    body = request(("AUDIO",), (FAIRPLAY,), key_attributes='explicitIV="/////////////////////w=="')
    asked = speke.parse_request(body, "2.0")
    assert [one.iv for one in asked.wanted] == [b"\xff" * 16]
    data, keys = answered(body)
    assert read(data).keys[0].explicit_iv == next(iter(keys.values())).iv == b"\xff" * 16
    other = {kid: ContentKey(kid, key.key, IV) for kid, key in keys.items()}
    with pytest.raises(InvalidCpix, match="another ContentKey@explicitIV"):
        speke.answer(asked, other, SYSTEMS, None, NOW)


def test_systems_that_need_no_hls_get_none() -> None:
    body = re.sub(
        rb"<cpix:HLSSignalingData.*?(/>|</cpix:HLSSignalingData>)", b"", request(), flags=re.DOTALL
    )
    assert all(one.hls == () for one in read(answered(body)[0]).systems)


def delivery(der: bytes) -> str:
    return (
        '<cpix:DeliveryDataList><cpix:DeliveryData id="origin"><cpix:DeliveryKey><ds:X509Data>'
        f"<ds:X509Certificate>{b64encode(der).decode()}</ds:X509Certificate></ds:X509Data>"
        "</cpix:DeliveryKey></cpix:DeliveryData></cpix:DeliveryDataList>"
    )


def test_keys_are_encrypted_to_who_asks_if_he_is_known() -> None:
    pair = rsa_pair()
    known = Recipients([pair.certificate], minimum_bits=2048)
    body = request(deliveries=delivery(pair.der))
    data, keys = answered(body, recipients=known)
    assert b"PlainValue" not in data
    schema(multivariant=False).assertValid(etree.fromstring(data))
    opened = Identity.from_pem(pair.pem, pair.key_pem).open(read(data))
    assert {one.kid: one.key for one in opened.keys} == {kid: key.key for kid, key in keys.items()}


@pytest.mark.parametrize("known", [None, Recipients([]), "another"])
def test_keys_are_not_encrypted_to_a_stranger(known: Recipients | str | None) -> None:
    if isinstance(known, str):
        known = Recipients([rsa_pair(3072, known).certificate])
    for der in (rsa_pair(2048, "stranger").der, b"not a certificate", b""):
        with pytest.raises(SealedKeysRefused, match="not on the list"):
            answered(request(deliveries=delivery(der)), recipients=known)


def spoil(*changes: tuple[str, str], **arguments: str) -> Callable[[], bytes]:
    """A good request with texts exchanged, all of their places."""

    def make() -> bytes:
        text = request(("SD", "AUDIO"), **arguments).decode()  # type: ignore[arg-type]  # text only
        for old, new in changes:
            changed = re.sub(old, new, text, flags=re.DOTALL)
            assert changed != text, old
            text = changed
        return text.encode()

    return make


FIRST = kid_of("test_case", "SD")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (spoil((' contentId="test_case"', "")), "Missing CPIX@contentId"),
        (spoil((' contentId="test_case"', ' contentId=""')), "Missing CPIX@contentId"),
        (spoil((' contentId="test_case"', ' id="test_case"')), "Missing CPIX@contentId"),
        (spoil((' version="2.3"', "")), "Missing CPIX@version"),
        (spoil(version="2.2"), "Unsupported CPIX@version"),
        (spoil(version="2.4"), "Unsupported CPIX@version"),
        (spoil(version="99"), "Unsupported CPIX@version"),
        (
            spoil((f'kid="{FIRST}" commonEncryptionScheme="cenc"', f'kid="{FIRST}"')),
            f"Missing ContentKey@commonEncryptionScheme for KID {FIRST}",
        ),
        (
            spoil(
                (
                    f'kid="{FIRST}" commonEncryptionScheme="cenc"',
                    f'kid="{FIRST}" commonEncryptionScheme="cbcs"',
                )
            ),
            "Non compliant ContentKey@commonEncryptionScheme combination",
        ),
        (
            spoil((WIDEVINE, FAIRPLAY)),
            "Non compliant ContentKey@commonEncryptionScheme combination",
        ),
    ],
)
def test_the_refusals_that_speke_words(make: Callable[[], bytes], text: str) -> None:
    with pytest.raises(SpekeRefused) as caught:
        speke.parse_request(make(), "2.0")
    assert str(caught.value) == text


@pytest.mark.parametrize("version", ["", "1.0", "2", "2.2", "3.0", "two"])
def test_another_version_of_speke_is_refused_before_anything(version: str) -> None:
    with pytest.raises(SpekeRefused, match=r"^Unsupported SPEKE version$"):
        speke.parse_request(b"", version)


def test_each_version_has_its_cpix() -> None:
    with pytest.raises(SpekeRefused, match="Unsupported CPIX@version"):
        speke.parse_request(request(), "2.1")


PLAIN = (
    '<cpix:Data><pskc:Secret xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc"><pskc:PlainValue>'
    "AAAAAAAAAAAAAAAAAAAAAA==</pskc:PlainValue></pskc:Secret></cpix:Data>"
)
LIST = "<cpix:{0}List>.*</cpix:{0}List>"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (spoil((LIST.format("ContentKey"), "")), "has no ContentKey"),
        (spoil((LIST.format("DRMSystem"), "")), "Missing DRMSystemList"),
        (spoil((LIST.format("ContentKeyUsageRule"), "")), "Missing ContentKeyUsageRuleList"),
        (spoil(("<cpix:ContentKey .*?/>", "")), "has no ContentKey"),
        (spoil(("<cpix:DRMSystem .*?</cpix:DRMSystem>", "")), "Missing DRMSystemList"),
        (
            spoil(("<cpix:ContentKeyUsageRule .*?</cpix:ContentKeyUsageRule>", "")),
            "Missing ContentKeyUsageRuleList",
        ),
        (spoil((f'ContentKey kid="{FIRST}"', "ContentKey")), "Missing ContentKey@kid"),
        (spoil((f'DRMSystem kid="{FIRST}"', "DRMSystem")), "Missing DRMSystem@kid"),
        (spoil((f' systemId="{WIDEVINE}"', "")), "Missing DRMSystem@systemId"),
        (spoil((WIDEVINE, FIRST)), f"Unsupported DRMSystem@systemId {FIRST}"),
        (spoil((f'Rule kid="{FIRST}"', "Rule")), "Missing ContentKeyUsageRule@kid"),
        (
            spoil((' intendedTrackType="SD"', "")),
            f"Missing ContentKeyUsageRule@intendedTrackType for KID {FIRST}",
        ),
        (
            spoil((f'<cpix:DRMSystem kid="{FIRST}".*?</cpix:DRMSystem>', "")),
            f"Missing DRMSystem for KID {FIRST}",
        ),
        (
            spoil((f'<cpix:ContentKeyUsageRule kid="{FIRST}".*?</cpix:ContentKeyUsageRule>', "")),
            f"Missing ContentKeyUsageRule for KID {FIRST}",
        ),
        (
            spoil(("<cpix:VideoFilter.*?/>", ""), ("<cpix:AudioFilter.*?/>", "")),
            "Missing VideoFilter or AudioFilter for KID",
        ),
        (
            spoil(
                ("VideoFilter", "AudioFilter"),
                ("<cpix:AudioFilter maxP", '<cpix:AudioFilter maxChannels="1" maxP'),
            ),
            "a video track type has an AudioFilter",
        ),
        (spoil(('maxPixels="589824" />', "/><cpix:VideoFilter />")), "more filters than"),
        (spoil(('"SD"', '"SD+SD"')), "not a list of types"),
        (spoil(('"SD"', '"SD+"')), "not a list of types"),
        (spoil(('"SD"', '"ALL+AUDIO"')), "not a list of types"),
        (spoil(('"SD"', '"AUDIO"')), "an audio track type has a VideoFilter"),
        (spoil(('"AUDIO"', '"HD"')), "a video track type has an AudioFilter"),
        (spoil(('"SD"', '"x"'), ('"AUDIO"', '"x"')), "have one intendedTrackType"),
        (spoil(('"cenc"', '"cens"')), "Unsupported ContentKey@commonEncryptionScheme cens"),
        (spoil(('"test_case"', f'"{"x" * 257}"')), "may have 256 characters"),
        (
            spoil(
                (
                    'Scheme="cenc" />',
                    f'Scheme="cenc">{PLAIN}</cpix:ContentKey>',
                )
            ),
            "brings a key of its own",
        ),
        (lambda: b"<x/>", "not a CPIX document"),
    ],
)
def test_a_contract_that_is_not_one_is_refused(make: Callable[[], bytes], problem: str) -> None:
    with pytest.raises(InvalidCpix, match=re.escape(problem)):
        speke.parse_request(make(), "2.0")


SHARED = "<cpix:VideoFilter /><cpix:AudioFilter />"


@pytest.mark.parametrize(
    ("types", "changes"),
    [
        # Several video keys beside one that is shared, and the other way around.
        (("SD", "HD", "STEREO_AUDIO", "MULTICHANNEL_AUDIO"), [('"(SD|HD)"', '"ALL"')]),
        (("SD", "HD", "STEREO_AUDIO", "MULTICHANNEL_AUDIO"), [('"[A-Z]+_AUDIO"', '"ALL"')]),
        (("ALL", "AUDIO"), []),
        (("ALL", "HD"), []),
        (("ALL",), [(SHARED, "<cpix:VideoFilter />")]),
        (("ALL",), [(SHARED, "<cpix:AudioFilter />")]),
        (("ALL",), [(SHARED, "")]),
        (("ALL",), [(SHARED, '<cpix:VideoFilter maxPixels="9" /><cpix:AudioFilter />')]),
        (("ALL",), [(SHARED, SHARED + "<cpix:AudioFilter />")]),
    ],
)
def test_a_shared_key_stands_alone(types: tuple[str, ...], changes: list[tuple[str, str]]) -> None:
    text = request(types).decode()
    for old, new in changes:
        text = re.sub(old, new, text)
    with pytest.raises(InvalidCpix):
        speke.parse_request(text.encode(), "2.0")


def test_an_open_end_beside_a_narrower_one_is_understood() -> None:
    """As in the requests of AWS's own suite."""
    text = request(("SD", "HD", "UHD", "AUDIO")).decode()
    text = text.replace('minPixels="589825" maxPixels="2073600"', 'minPixels="589825"')
    with pytest.raises(InvalidCpix, match="to the same context"):
        read(text.encode())
    assert len(speke.parse_request(text.encode(), "2.0").wanted) == 4
    same = text.replace("2073601", "589825").encode()
    with pytest.raises(InvalidCpix, match="to the same context"):
        speke.parse_request(same, "2.0")


def test_a_bit_rate_does_not_keep_two_keys_apart() -> None:
    text = request(("STEREO_AUDIO", "AUDIO")).decode()
    text = text.replace('<cpix:AudioFilter maxChannels="2" />', "<cpix:AudioFilter />")
    for number in (1, 2):
        text = text.replace(
            "<cpix:AudioFilter />",
            f'<cpix:AudioFilter ></cpix:AudioFilter><cpix:BitrateFilter minBitrate="{number}" '
            f'maxBitrate="{number}" />',
            1,
        )
    assert read(text.encode()).rules
    with pytest.raises(InvalidCpix, match="to the same context"):
        speke.parse_request(text.encode(), "2.0")


def test_keys_of_two_periods_are_for_the_same_tracks() -> None:
    text = request(("AUDIO",), period='index="0"').decode()
    other = kid_of("test_case", "another")
    for holder in ("ContentKey", "DRMSystem", "ContentKeyUsageRule"):
        found = (
            re.search(rf"<cpix:{holder} .*?(/>|</cpix:{holder}>)", text, flags=re.DOTALL)
            if holder == "ContentKey"
            else re.search(rf"<cpix:{holder} .*?</cpix:{holder}>", text, flags=re.DOTALL)
        )
        assert found is not None
        twin = found[0].replace(kid_of("test_case", "AUDIO"), other)
        text = text.replace(found[0], found[0] + twin.replace('periodId="p"', 'periodId="q"'))
    text = text.replace(
        '<cpix:ContentKeyPeriod id="p" index="0"/>',
        '<cpix:ContentKeyPeriod id="p" index="0"/><cpix:ContentKeyPeriod id="q" index="1"/>',
    )
    data, _ = answered(text.encode())
    assert len({one.key for one in read(data).keys}) == 2


@pytest.mark.parametrize("body", [b"", b"{}", b"<!DOCTYPE x><x/>", b"b'<cpix/>'", b" " * (2 << 20)])
def test_what_is_not_safe_xml_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedXml):
        speke.parse_request(body, "2.0")


def test_errors_of_documents_are_of_one_family() -> None:
    assert issubclass(InvalidCpix, CpixError)
    assert isinstance(read(answered(request())[0]), Document)
