"""Documents that break a rule are refused, each with its reason."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drm.cpix.errors import CpixError, InvalidCpix, MalformedXml
from drm.cpix.model import AudioFilter, Playlist, Range, Version, VideoFilter
from drm.cpix.read import read
from packager.model import Kid

A = "0f083e4e-b831-4a3d-917e-ce78076e54aa"
B = "041fdd3a-7f5e-4848-a7cb-65e97758e9a0"
WIDEVINE = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
NAMESPACES = (
    'xmlns="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc" '
    'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:enc="http://www.w3.org/2001/04/xmlenc#"'
)


def cpix(inner: str = "", attributes: str = 'contentId="c" version="2.3"') -> bytes:
    return f"<CPIX {NAMESPACES} {attributes}>{inner}</CPIX>".encode()


def keys(*entries: str) -> str:
    return f"<ContentKeyList>{''.join(entries)}</ContentKeyList>"


def key(kid: str = A, rest: str = "", inner: str = "") -> str:
    return f'<ContentKey kid="{kid}" {rest}>{inner}</ContentKey>'


def plain(value: str = "AAAAAAAAAAAAAAAAAAAAAA==") -> str:
    return f"<Data><pskc:Secret><pskc:PlainValue>{value}</pskc:PlainValue></pskc:Secret></Data>"


def rules(*entries: str) -> str:
    return f"<ContentKeyUsageRuleList>{''.join(entries)}</ContentKeyUsageRuleList>"


def rule(kid: str, filters: str) -> str:
    return f'<ContentKeyUsageRule kid="{kid}">{filters}</ContentKeyUsageRule>'


def system(inner: str = "", kid: str = A, attributes: str = f'systemId="{WIDEVINE}"') -> str:
    entry = f'<DRMSystem kid="{kid}" {attributes}>{inner}</DRMSystem>'
    return f"<DRMSystemList>{entry}</DRMSystemList>"


def periods(*attributes: str) -> str:
    entries = "".join(f"<ContentKeyPeriod {one}/>" for one in attributes)
    return f"<ContentKeyPeriodList>{entries}</ContentKeyPeriodList>"


def test_a_document_becomes_values() -> None:
    document = read(
        cpix(
            keys(key(A, 'commonEncryptionScheme="cbcs"', plain()), key(B.upper()))
            + system('<PSSH/><HLSSignalingData playlist="master">QQ==</HLSSignalingData>')
            + periods('id="p" start="2026-01-01T00:00:00" end="2026-01-01T00:05:00Z"')
            + rules(
                rule(A, '<KeyPeriodFilter periodId="p"/><AudioFilter maxChannels="2"/>'),
                rule(B, '<VideoFilter minPixels="1" hdr="true"/><VideoFilter maxFps="30"/>'),
            )
        )
    )
    assert document.version is Version.V2_3
    assert [str(one.kid) for one in document.keys] == [A, B]
    assert (document.keys[0].key, document.keys[0].scheme) == (bytes(16), "cbcs")
    assert document.systems[0].pssh == b""
    assert document.systems[0].content_protection is None
    assert document.systems[0].hls[0].playlist is Playlist.MASTER
    assert document.periods[0].start == datetime(2026, 1, 1, tzinfo=UTC)
    assert document.rules[0].periods == ("p",)
    assert document.rules[0].audio == (AudioFilter(Range(None, 2)),)
    assert document.rules[1].video == (
        VideoFilter(pixels=Range(1), hdr=True),
        VideoFilter(fps=Range(None, 30)),
    )


def test_a_key_is_never_shown() -> None:
    document = read(cpix(keys(key(inner=plain("MDEyMzQ1Njc4OWFiY2RlZg==")))))
    assert document.keys[0].key == b"0123456789abcdef"
    assert "0123456789abcdef" not in repr(document)


def test_comments_between_elements_and_line_breaks_in_base64_are_no_matter() -> None:
    value = "\n  AAAAAAAAAAAA\n AAAAAAAAAA== "
    document = read(cpix("<!-- hello -->" + keys(key(inner="<!-- x -->" + plain(value)))))
    assert document.keys[0].key == bytes(16)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty", b""),
        ("not XML", b"{}"),
        ("cut off", cpix()[:-3]),
        ("too large", cpix(f"<!--{'x' * (1 << 20)}-->")),
        ("two MiB", b" " * (2 << 20)),
        ("DTD", b'<!DOCTYPE CPIX SYSTEM "http://example.com/x.dtd">' + cpix()),
        ("internal DTD", b'<!DOCTYPE x [<!ENTITY a "b">]>' + cpix()),
        ("DTD behind a comment", b"<!-- x --><!DOCTYPE x>" + cpix()),
        ("entity", cpix("&xxe;")),
        ("UTF-16", '<?xml version="1.0" encoding="UTF-16"?><CPIX/>'.encode("utf-16")),
        ("UTF-16 without a word", "<CPIX/>".encode("utf-16-le")),
        ("UTF-7", b'<?xml version="1.0" encoding="UTF-7"?><CPIX/>'),
        (
            "UTF-7 with a DTD",
            b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE x+AD4-<CPIX/>',
        ),
        ("Latin-1", b'<?xml version="1.0" encoding="ISO-8859-1"?><CPIX/>'),
        ("not UTF-8", cpix().replace(b'"c"', b'"\xff"')),
        ("deep", b"<a>" * 5000),
    ],
)
def test_what_is_not_safe_xml_is_not_parsed(name: str, data: bytes) -> None:
    with pytest.raises(MalformedXml):
        read(data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<CPIX/>", "not a CPIX document"),
        (cpix(attributes='contentId="c"'), "Missing CPIX@version"),
        (cpix(attributes='contentId="c" version="2.2"'), "Unsupported CPIX@version"),
        (cpix("<ds:Signature/>"), "signed documents"),
        (cpix(keys() + keys()), "ContentKeyList occurs more than once"),
        (cpix("<ContentKeyList><DRMSystem/></ContentKeyList>"), "holds a DRMSystem"),
        (cpix(keys("<ContentKey/>")), "Missing ContentKey@kid"),
        (cpix(keys(key("{" + A + "}"))), "kid is not a UUID"),
        (cpix(keys(key(A.replace("-", "")))), "kid is not a UUID"),
        (cpix(keys(key(A), key(A.upper()))), f"two ContentKey elements have the KID {A}"),
        (cpix(keys(key(rest='commonEncryptionScheme="rot13"'))), "commonEncryptionScheme"),
        (cpix(keys(key(rest='commonEncryptionScheme="AES-128"'))), "commonEncryptionScheme"),
        (cpix(keys(key(rest='explicitIV="AAAA"'))), "explicitIV is not 16 bytes"),
        (cpix(keys(key(rest='explicitIV="*"'))), "explicitIV is not base64"),
        (cpix(keys(key(rest='dependsOnKey="x"'))), "dependsOnKey is not a UUID"),
        (cpix(keys(key(rest='contentId="d"'))), "contentId stands on CPIX and"),
        (cpix(keys(key(inner=plain("AAAA")))), "not 16 bytes"),
        (cpix(keys(key(inner=plain("AAAA<!--x-->AAAA")))), "more than text"),
        (cpix(keys(key(inner=plain("AAAA<x/>")))), "more than text"),
        (cpix(keys(key(inner=plain("!!!!")))), "not base64"),
        (cpix(keys(key(inner="<Data><pskc:Secret/></Data>"))), "one PlainValue or"),
        (cpix(keys(key()) + system(kid=B)), "a DRMSystem is for the KID"),
        (cpix(keys(key()) + system(attributes="")), "Missing DRMSystem@systemId"),
        (cpix(keys(key()) + system(attributes='systemId="x"')), "systemId is not a UUID"),
        (cpix(keys(key()) + system("<PSSH>*</PSSH>")), "PSSH is not base64"),
        (cpix(keys(key()) + system("<PSSH/><PSSH/>")), "PSSH occurs more than once"),
        (
            cpix(keys(key()) + system('<HLSSignalingData playlist="multiVariant"/>')),
            "playlist is none of this version's",
        ),
        (
            cpix(keys(key()) + system("<HLSSignalingData/><HLSSignalingData/>")),
            "Missing HLSSignalingData@playlist",
        ),
        (
            cpix(keys(key()) + system('<HLSSignalingData playlist="media"/>' * 2)),
            "for one playlist",
        ),
        (cpix(keys(key()) + rules(rule(B, ""))), "a ContentKeyUsageRule is for the KID"),
        (
            cpix(keys(key()) + rules(rule(A, '<KeyPeriodFilter periodId="p"/>'))),
            "ContentKeyPeriod that is not there",
        ),
        (cpix(keys(key()) + rules(rule(A, "<KeyPeriodFilter/>"))), "Missing KeyPeriodFilter@"),
        (
            cpix(keys(key()) + rules(rule(A, '<AudioFilter minChannels="two"/>'))),
            "minChannels is not a whole number",
        ),
        (
            cpix(keys(key()) + rules(rule(A, '<AudioFilter minChannels="3" maxChannels="2"/>'))),
            "minChannels is above",
        ),
        (cpix(keys(key()) + rules(rule(A, '<VideoFilter hdr="yes"/>'))), "neither true nor"),
        (cpix(periods('id="p"', 'id="p"')), "have one id"),
        (cpix(periods('start="yesterday"')), "start is not a date"),
        (cpix(periods('startOffset="5 minutes"')), "startOffset is not a duration"),
        (cpix(periods('start="2026-01-01T00:00:00Z"')), "needs one end"),
        (cpix(periods('end="2026-01-01T00:00:00Z"')), "ends and does not start"),
        (
            cpix(periods('start="2026-01-01T00:00:00Z" end="2026-01-01T00:00:00Z"')),
            "ends before it starts",
        ),
        (
            cpix(periods('start="2026-01-01T00:00:00Z" startOffset="PT1S" duration="PT1S"')),
            "a start and a startOffset",
        ),
        (cpix(periods('start="2026-01-01T00:00:00Z" endOffset="PT1S"')), "mixes instants"),
        (cpix(keys(*(key(f"{n:08x}{A[8:]}") for n in range(513)))), "more than 512"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidCpix, match=re.escape(problem)):
        read(data)


def encrypted(inner: str, delivery: str = "") -> bytes:
    secret = f"<Data><pskc:Secret>{inner}</pskc:Secret></Data>"
    return cpix(f"<DeliveryDataList>{delivery}</DeliveryDataList>" + keys(key(inner=secret)))


CIPHER = "<enc:CipherData><enc:CipherValue>AAAA</enc:CipherValue></enc:CipherData>"
CBC = '<enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/>'
OAEP = '<enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>'
SEALED = f"<pskc:EncryptedValue>{CBC}{CIPHER}</pskc:EncryptedValue>"
MAC = "<pskc:ValueMAC>AAAA</pskc:ValueMAC>"
CERTIFICATE = (
    "<DeliveryKey><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>"
    "</DeliveryKey>"
)
WRAPPED = f"<pskc:EncryptedValue>{OAEP}{CIPHER}</pskc:EncryptedValue>"
DOCUMENT_KEY = f"<DocumentKey><Data><pskc:Secret>{WRAPPED}</pskc:Secret></Data></DocumentKey>"
MAC_METHOD = (
    '<MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha512">'
    f"<pskc:MACKey>{OAEP}{CIPHER}</pskc:MACKey></MACMethod>"
)


def delivery(*parts: str) -> str:
    return f"<DeliveryData>{''.join(parts)}</DeliveryData>"


def test_an_encrypted_document_becomes_values() -> None:
    document = read(encrypted(SEALED + MAC, delivery(CERTIFICATE, DOCUMENT_KEY, MAC_METHOD)))
    sealed = document.keys[0].sealed
    assert sealed is not None
    assert (sealed.cipher, sealed.mac) == (bytes(3), bytes(3))
    assert document.deliveries[0].mac_key == bytes(3)
    assert document.deliveries[0].document_keys[0].wrapped == bytes(3)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (encrypted(SEALED), "no ValueMAC"),
        (encrypted(SEALED + MAC), "need a DeliveryData"),
        (encrypted(SEALED + MAC, delivery(CERTIFICATE)), "a DocumentKey and a MACMethod"),
        (encrypted(SEALED + MAC, delivery(CERTIFICATE, DOCUMENT_KEY)), "and a MACMethod"),
        (encrypted(SEALED + MAC, delivery(CERTIFICATE, MAC_METHOD)), "a DocumentKey and"),
        (
            encrypted(SEALED + MAC, delivery(CERTIFICATE, DOCUMENT_KEY * 2, MAC_METHOD)),
            "Missing DocumentKey@encryptsKey",
        ),
        (
            encrypted(
                SEALED.replace("aes256-cbc", "aes128-cbc") + MAC,
                delivery(CERTIFICATE, DOCUMENT_KEY, MAC_METHOD),
            ),
            "is not encrypted with",
        ),
        (
            encrypted(
                SEALED + MAC, delivery(CERTIFICATE, DOCUMENT_KEY.replace("oaep", "x"), MAC_METHOD)
            ),
            "is not encrypted with",
        ),
        (
            encrypted(
                SEALED + MAC, delivery(CERTIFICATE, DOCUMENT_KEY, MAC_METHOD.replace("512", "1"))
            ),
            "not HMAC-SHA-512",
        ),
        (encrypted("", delivery("<DeliveryKey/>")), "no X509Certificate"),
        (encrypted(f"<pskc:EncryptedValue>{CBC}</pskc:EncryptedValue>{MAC}"), "no CipherValue"),
    ],
)
def test_an_encrypted_document_without_its_parts_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidCpix, match=re.escape(problem)):
        read(data)


def test_playlists_are_named_by_version() -> None:
    multivariant = '<HLSSignalingData playlist="multiVariant">QQ==</HLSSignalingData>'
    body = keys(key(rest='commonEncryptionScheme="AES-128"')) + system(multivariant)
    document = read(cpix(body, 'contentId="c" version="2.4"'))
    assert document.systems[0].hls[0].playlist is Playlist.MULTIVARIANT
    assert document.keys[0].scheme == "AES-128"
    # AWS's own SPEKE 2.1 requests say 2.4 and `master`.
    body = keys(key()) + system('<HLSSignalingData playlist="master"/>')
    assert read(cpix(body, 'contentId="c" version="2.4"')).systems[0].hls


@pytest.mark.parametrize(
    ("one", "other", "is_clash"),
    [
        ("", "", True),
        ("<AudioFilter/>", "<AudioFilter/>", True),
        ("<AudioFilter/>", "<VideoFilter/>", False),
        ("<AudioFilter/>", "", True),
        ('<AudioFilter maxChannels="2"/>', '<AudioFilter minChannels="3"/>', False),
        ('<AudioFilter maxChannels="3"/>', '<AudioFilter minChannels="3"/>', True),
        ('<VideoFilter hdr="true"/>', '<VideoFilter hdr="false"/>', False),
        ('<VideoFilter hdr="true"/>', "<VideoFilter/>", True),
        ('<VideoFilter maxFps="30"/>', '<VideoFilter minFps="30"/>', False),
        ('<VideoFilter maxFps="31"/>', '<VideoFilter minFps="30"/>', True),
        ('<LabelFilter label="a"/>', '<LabelFilter label="b"/>', False),
        ('<LabelFilter label="a"/>', '<LabelFilter label="a"/>', True),
        ('<LabelFilter label="a"/><AudioFilter/>', "<AudioFilter/>", True),
        ('<BitrateFilter maxBitrate="9"/>', '<BitrateFilter minBitrate="10"/>', False),
        ('<KeyPeriodFilter periodId="p"/>', '<KeyPeriodFilter periodId="q"/>', False),
        ("<AudioFilter/><VideoFilter/>", "<VideoFilter/>", True),
        (
            '<VideoFilter maxPixels="1"/><VideoFilter minPixels="9"/>',
            '<VideoFilter minPixels="5" maxPixels="9"/>',
            True,
        ),
    ],
)
def test_two_keys_for_one_context_are_refused(one: str, other: str, *, is_clash: bool) -> None:
    body = keys(key(A), key(B)) + periods('id="p"', 'id="q"')
    for pair in ((rule(A, one), rule(B, other)), (rule(B, other), rule(A, one))):
        data = cpix(body + rules(*pair))
        if is_clash:
            with pytest.raises(InvalidCpix, match="to the same context"):
                read(data)
        else:
            assert len(read(data).rules) == 2
    assert len(read(cpix(body + rules(rule(A, one), rule(A, other)))).rules) == 2


@given(st.data())
def test_a_spoiled_document_is_a_value_or_an_error_of_ours(data: st.DataObject) -> None:
    good = cpix(
        keys(key(inner=plain()), key(B)) + system("<PSSH/>") + rules(rule(A, "<AudioFilter/>"))
    )
    spoiled = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(spoiled) - 1))
        spoiled[position] = data.draw(st.integers(0, 255))
    try:
        document = read(bytes(spoiled))
    except CpixError:
        return
    assert replace(document) == document


def test_a_kid_in_capitals_is_the_same_key() -> None:
    assert read(cpix(keys(key(A.upper())))).keys[0].kid == Kid.parse(A)
