from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drm import clearkey
from drm.clearkey import LicenseRequest, SessionType
from drm.errors import MalformedRequest
from drm.model import ContentKey
from packager.model import Kid

KID = Kid.parse("9eb4050d-e44b-4802-932e-27d75083e266")
KID_TEXT = "nrQFDeRLSAKTLifXUIPiZg"  # the example of EME, 9.1.3
OTHER = Kid(b"\xfb\xff\xbe" * 5 + b"\xff")  # base64 writes it with + and /
kids = st.lists(st.binary(min_size=16, max_size=16).map(Kid), min_size=1, max_size=16, unique=True)


def _body(kids: object, **more: object) -> bytes:
    return json.dumps({"kids": kids, **more}).encode()


def test_the_standards_example_is_read() -> None:
    body = b'{"kids":["nrQFDeRLSAKTLifXUIPiZg"],"type":"temporary"}'
    assert clearkey.parse_request(body) == LicenseRequest((KID,), SessionType.TEMPORARY)


def test_a_license_to_keep_can_be_asked_for_and_given() -> None:
    request = clearkey.parse_request(_body([KID_TEXT], type="persistent-license"))
    assert request.type is SessionType.PERSISTENT
    assert json.loads(clearkey.license([], request.type))["type"] == "persistent-license"


def test_the_type_may_be_missing_and_other_members_are_ignored() -> None:
    request = clearkey.parse_request(_body([KID_TEXT], session="x", version=3))
    assert request == LicenseRequest((KID,), SessionType.TEMPORARY)


def test_base64_of_either_alphabet_is_understood() -> None:
    plain = b64encode(OTHER.value).decode()
    assert "+" in plain
    assert "/" in plain
    for text in (plain, plain.rstrip("="), plain.replace("+", "-").replace("/", "_")):
        assert clearkey.parse_request(_body([text])).kids == (OTHER,)


def test_a_key_asked_for_twice_is_asked_for_once() -> None:
    assert clearkey.parse_request(_body([KID_TEXT, KID_TEXT + "=="])).kids == (KID,)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"kids"',
        b"{}",
        b'{"kids":"nrQFDeRLSAKTLifXUIPiZg"}',
        b"\xff\xfe{}",
        b"[" * 8000,
        _body([]),
        _body([KID_TEXT] * 17),
        _body([KID_TEXT[:-1]]),
        _body([KID_TEXT + "A"]),
        _body([KID_TEXT[:-1] + "h"]),  # stray bits at the end
        _body(["nrQFDeRLSAKTLifXUIPi!!"]),
        _body(["\u00e9" * 22]),
        _body([KID_TEXT[:11] + "\n" + KID_TEXT[12:]]),
        _body([None]),
        _body([7]),
        _body([[KID_TEXT]]),
        _body([KID_TEXT], type="persistent"),
        _body([KID_TEXT], type=["temporary"]),
        _body([KID_TEXT], type=None),
        _body([KID_TEXT], pad="x" * clearkey.MAX_REQUEST_BYTES),
    ],
)
def test_malformed_requests_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        clearkey.parse_request(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        clearkey.parse_request(body)


def test_the_license_is_a_jwk_set_without_padding() -> None:
    key = ContentKey(KID, bytes(range(16)), bytes(16))
    expected = (
        b'{"keys":[{"kty":"oct","kid":"nrQFDeRLSAKTLifXUIPiZg","k":"AAECAwQFBgcICQoLDA0ODw"}],'
        b'"type":"temporary"}'
    )
    assert expected == clearkey.license([key])


@given(kids)
def test_the_ids_of_a_license_are_those_of_the_request(wanted: list[Kid]) -> None:
    keys = [ContentKey(kid, kid.value[::-1], bytes(16)) for kid in wanted]
    jwks = json.loads(clearkey.license(keys))["keys"]
    again = clearkey.parse_request(_body([jwk["kid"] for jwk in jwks]))
    assert again.kids == tuple(wanted)
