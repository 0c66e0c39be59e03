"""Protection headers against published bytes."""

from __future__ import annotations

from base64 import b64encode
from uuid import UUID

import pytest
from lxml import etree

from packager import pssh
from packager.model import Kid, Scheme

KID = Kid.parse("9eb4050d-e44b-4802-932e-27d75083e266")


def test_common_is_the_w3c_example() -> None:
    assert b64encode(pssh.common([KID]).encode()) == (
        b"AAAANHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAGetAUN5EtIApMuJ9dQg+JmAAAAAA=="
    )


def test_common_with_two_kids_has_the_size_of_the_specs_example() -> None:
    assert len(pssh.common([KID, Kid(bytes(16))]).encode()) == 0x44


def test_widevine_is_what_shaka_packager_writes() -> None:
    assert b64encode(pssh.widevine([KID], Scheme.CBCS).encode()) == (
        b"AAAAOHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAABgSEJ60BQ3kS0gCky4n11CD4mZI88aJmwY="
    )


def test_widevine_carries_provider_and_content_id() -> None:
    data = pssh.widevine([KID], Scheme.CENC, content_id=b"t1", provider="acme").data

    assert data == (
        b"\x12\x10"
        + KID.value  # key_id
        + b"\x1a\x04acme"  # provider
        + b"\x22\x02t1"  # content_id
        + b"\x48\xe3\xdc\x95\x9b\x06"  # protection_scheme: cenc
    )


def _header(pro: bytes) -> etree._Element:
    """The one header of a PlayReady object, all lengths checked."""
    assert int.from_bytes(pro[:4], "little") == len(pro)
    assert int.from_bytes(pro[4:6], "little") == 1  # records
    assert int.from_bytes(pro[6:8], "little") == 1  # a rights management header
    assert int.from_bytes(pro[8:10], "little") == len(pro) - 10
    return etree.fromstring(pro[10:].decode("utf-16-le"))


@pytest.mark.parametrize(
    ("scheme", "algorithm"), [(Scheme.CBCS, "AESCBC"), (Scheme.CENC, "AESCTR")]
)
def test_playready_names_algorithm_and_guid(scheme: Scheme, algorithm: str) -> None:
    """shaka-packager#734 and Bento4#697: version and ALGID by scheme, no CHECKSUM."""
    header = _header(pssh.playready_object([KID], scheme))
    ns = {"p": "http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader"}
    kid = header.find("p:DATA/p:PROTECTINFO/p:KIDS/p:KID", ns)

    assert header.get("version") == "4.3.0.0"
    assert kid is not None
    assert kid.get("ALGID") == algorithm
    assert kid.get("VALUE") == b64encode(UUID(str(KID)).bytes_le).decode()
    assert kid.get("CHECKSUM") is None


def test_playready_escapes_its_license_url() -> None:
    """shaka-packager#961: the URL stands inside DATA, and an ampersand is legal in it."""
    url = "https://license.example/?a=1&b=2"
    header = _header(pssh.playready_object([KID], Scheme.CBCS, la_url=url))

    assert header.findtext("{*}DATA/{*}LA_URL") == url


def test_playready_box_holds_the_object() -> None:
    box = pssh.playready([KID], Scheme.CBCS)

    assert box.version == 0
    assert box.data == pssh.playready_object([KID], Scheme.CBCS)
