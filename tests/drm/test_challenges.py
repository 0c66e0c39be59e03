"""What is read of devices' license requests, and what is not taken for one."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drm.challenges import fairplay, playready, widevine
from drm.errors import MalformedRequest
from packager.model import Kid, Scheme
from packager.pssh import playready_object
from packager.pssh import widevine as widevine_box
from tests.support.license_challenges import (
    CERTIFICATE_REQUEST,
    chunk,
    fairplay_challenge,
    license_request,
    number,
    playready_challenge,
    signed,
    widevine_challenge,
    widevine_init_data_challenge,
    widevine_renewal,
)

KID = Kid.parse("9eb4050d-e44b-4802-932e-27d75083e266")
OTHER = Kid.parse("01234567-89ab-cdef-0123-456789abcdef")
_HEADER = 'xmlns="http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader"'
GUID = b64encode(UUID(bytes=KID.value).bytes_le).decode()


def test_widevine_by_its_box_data() -> None:
    body = widevine_challenge([KID, OTHER, KID])
    found = widevine(body)
    assert (found.body, found.kids) == (body, (KID, OTHER))
    assert found.is_for_license
    assert not found.offline
    assert widevine(widevine_challenge([KID], offline=True)).offline


def test_widevine_by_boxes_of_several_systems() -> None:
    assert widevine(widevine_init_data_challenge([KID])).kids == (KID,)


def test_widevine_without_a_key() -> None:
    assert widevine(widevine_renewal()).kids == ()
    assert not widevine(CERTIFICATE_REQUEST).is_for_license
    assert not widevine(signed(4, b"")).is_for_license


def test_widevine_passes_over_what_it_does_not_know() -> None:
    more = chunk(99, b"x") + number(98, 1 << 40) + b"\xa1\x06" + bytes(8) + b"\xa5\x06" + bytes(4)
    assert widevine(more + widevine_challenge([KID])).kids == (KID,)


def _with_data(data: bytes) -> bytes:
    return signed(1, license_request(chunk(1, chunk(1, data))))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"kids":["nrQFDeRLSAKTLifXUIPiZg"]}', id="ClearKey"),
        pytest.param(signed(2, b"license"), id="a license"),
        pytest.param(number(1, 1), id="no message"),
        pytest.param(signed(1, b"") + chunk(2, b""), id="two messages"),
        pytest.param(widevine_challenge([KID])[:-1], id="cut short"),
        pytest.param(_with_data(chunk(2, b"short")), id="a key id of 5 bytes"),
        pytest.param(_with_data(chunk(2, KID.value)[:-1]), id="a key id that is cut"),
        pytest.param(
            _with_data(b"".join(chunk(2, bytes([n]) * 16) for n in range(17))), id="17 keys"
        ),
        pytest.param(
            signed(1, license_request(chunk(4, chunk(2, b"\0\0\0\x04pssh")))), id="no box"
        ),
        pytest.param(b"\x08" + b"\xff" * 11, id="an endless number"),
        pytest.param(b"\x0b", id="a group"),
    ],
)
def test_what_is_no_widevine_request(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        widevine(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_widevine_request_or_malformed(body: bytes) -> None:
    for data in (body, signed(1, body), _with_data(body), number(1, 1) + chunk(2, body)):
        with suppress(MalformedRequest):
            widevine(data)


def test_our_own_widevine_box_is_what_is_read() -> None:
    assert widevine(_with_data(widevine_box([KID], Scheme.CENC).data)).kids == (KID,)


@pytest.mark.parametrize(
    "header",
    [
        f"<WRMHEADER {_HEADER}><DATA><KID> {GUID}\n</KID></DATA></WRMHEADER>",
        f'<WRMHEADER {_HEADER}><DATA><KID ALGID="AESCTR" VALUE="{GUID}"/></DATA></WRMHEADER>',
        playready_object([KID], Scheme.CBCS)[10:].decode("utf-16-le"),
    ],
    ids=["4.0", "4.1", "4.3"],
)
def test_playready_headers_of_every_version(header: str) -> None:
    body = playready_challenge([], header)
    found = playready(body)
    assert (found.body, found.kids, found.offline) == (body, (KID,), False)


def test_playready_with_several_keys_and_none() -> None:
    assert playready(playready_challenge([KID, OTHER])).kids == (KID, OTHER)
    assert playready(playready_challenge([], "")).kids == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<x/>",
        b"<!DOCTYPE x><x/>",
        widevine_challenge([KID]),
        playready_challenge([KID]).replace(b"AcquireLicense", b"AcknowledgeLicense"),
        playready_challenge([KID]).replace(b"soap/envelope", b"soap/other"),
        playready_challenge([KID]).replace(b"<?xml", b'<!DOCTYPE a [<!ENTITY b "c">]><?xml'),
        playready_challenge([KID]).decode().encode("utf-16"),
        playready_challenge([], f"<WRMHEADER {_HEADER}><KID>short</KID></WRMHEADER>"),
        playready_challenge([], f"<WRMHEADER {_HEADER}><KID>AAAA</KID></WRMHEADER>"),
        playready_challenge([], f"<WRMHEADER {_HEADER}><KID/></WRMHEADER>"),
    ],
)
def test_what_is_no_playready_request(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        playready(body)


def test_fairplay_says_nothing() -> None:
    body = fairplay_challenge()
    assert fairplay(body).body == body
    assert fairplay(body).kids == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        fairplay_challenge()[:170],
        bytes(800),
        b"spc=AAAA" * 100,
        b64encode(fairplay_challenge()),
    ],
)
def test_what_is_no_fairplay_request(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        fairplay(body)
