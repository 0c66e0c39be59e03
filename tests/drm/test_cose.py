"""Messages of other makers, and every way to bend one."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drm.cose import MalformedMessage, open_sealed, seal

KEY = bytes(range(32))
KEYS = {"a1": KEY}
CLAIMS: dict[int, object] = {1: "headwater", 4: 1795263411, -65537: {0: ["standard"]}}

# Of RFC 8392, A.2.2: the key that examples of other makers use.
THEIRS = bytes.fromhex("403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388")
# Made by Akamai's EdgeWorkers, from the tests of github.com/Eyevinn/node-cat (MIT).
ISSUED_BY_AKAMAI = (
    "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2WCijAXgYY29hcDovL2pvbmFzLmV4YW1wbGUuY29tBhpn1Jip"
    "BRpn1JipWCCX4nQb8SYQoa0SFLxE2Rh35DdTjoA9TzOSy1IP9O1BGQ"
)
FOR_SOMEBODY = (
    "2D3RhEOhAQWhBFBha2FtYWlfa2V5X2hzMjU2V6MDgmNvbmVjdHdvBhpn12R8BRpn12R8WCAdnSbUN4KbIvaH"
    "Ln-q4f4YRpfq6ERYotByjbIyZ-EkfQ"
)
AKAMAI = (
    (ISSUED_BY_AKAMAI, {1: "coap://jonas.example.com", 5: 1741985961, 6: 1741985961}),
    (FOR_SOMEBODY, {3: ["one", "two"], 5: 1742169212, 6: 1742169212}),
)


@pytest.mark.parametrize(("text", "claims"), AKAMAI)
def test_messages_of_akamai(text: str, claims: dict[int, object]) -> None:
    data = urlsafe_b64decode(text + "==")
    assert open_sealed(data, {"akamai_key_hs256": THEIRS}) == claims
    with pytest.raises(MalformedMessage, match="signature"):
        open_sealed(data, {"akamai_key_hs256": KEY})
    with pytest.raises(MalformedMessage, match="unknown key"):
        open_sealed(data, {"Symmetric256": THEIRS})


def test_ours_open_and_are_what_the_standards_say() -> None:
    data = seal(CLAIMS, "a1", KEY)
    assert open_sealed(data, KEYS) == CLAIMS
    assert open_sealed(data[2:], KEYS) == CLAIMS  # without the tag of CBOR Web Tokens
    message = cbor2.loads(data)
    assert (message.tag, message.value.tag) == (61, 17)
    protected, unprotected, payload, mac = message.value.value
    assert (cbor2.loads(protected), unprotected) == ({1: 5}, {4: b"a1"})
    structure = cbor2.dumps(["MAC0", protected, b"", payload])
    assert hmac.digest(KEY, structure, "sha256") == mac


def message(
    claims: bytes | None = None,
    protected: bytes = b"\xa1\x01\x05",
    unprotected: object = None,
    tags: bytes = b"\xd8\x3d\xd1",
    mac_bytes: int = 32,
) -> bytes:
    """A message that is really signed, whatever is in it."""
    payload = cbor2.dumps(CLAIMS) if claims is None else claims
    mac = hmac.digest(KEY, cbor2.dumps(["MAC0", protected, b"", payload]), "sha256")
    header = {4: b"a1"} if unprotected is None else unprotected
    return tags + cbor2.dumps([protected, header, payload, mac[:mac_bytes]])


def test_the_tests_own_messages_are_good_before_they_are_bent() -> None:
    assert open_sealed(message(), KEYS) == CLAIMS
    protected = cbor2.dumps({1: 5, 4: b"a1"})
    assert open_sealed(message(protected=protected, unprotected={}), KEYS) == CLAIMS


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(message(tags=b""), id="no tag"),
        pytest.param(message(tags=b"\xd8\x3d\xd2"), id="COSE_Sign1"),
        pytest.param(message(tags=b"\xd8\x3d\xd0"), id="COSE_Encrypt0"),
        pytest.param(message(tags=b"\xd8\x3d\xd8\x3d\xd1"), id="twice a token"),
        pytest.param(b"\xd8\x3d" * 50_000 + message(), id="deep"),
        pytest.param(message() + b"\0", id="bytes at the end"),
        pytest.param(message()[:-1], id="cut short"),
        pytest.param(message(mac_bytes=8), id="a short MAC"),
        pytest.param(message(protected=b"\xa1\x01\x04"), id="HS256/64"),
        pytest.param(message(protected=b"\xa1\x01\x26"), id="ES256"),
        pytest.param(message(protected=b"", unprotected={1: 5, 4: b"a1"}), id="alg unprotected"),
        pytest.param(message(protected=b"\xa0"), id="no alg"),
        pytest.param(message(unprotected={}), id="no key id"),
        pytest.param(message(unprotected={4: "a1"}), id="a key id that is text"),
        pytest.param(message(unprotected={4: b"b2"}), id="another key"),
        pytest.param(message(unprotected={4: b"\xff"}), id="a key id that is no text"),
        pytest.param(message(unprotected={4: b"a1", 5: b"iv"}), id="a further header"),
        pytest.param(
            message(protected=cbor2.dumps({1: 5, 2: [99], 99: 1})), id="a critical header"
        ),
        pytest.param(
            message(protected=cbor2.dumps({1: 5, 4: b"a1"}), unprotected={4: b"a1"}),
            id="the key id twice",
        ),
        pytest.param(message(protected=b"\xa2\x01\x05\x01\x05"), id="alg twice"),
        pytest.param(message(claims=b"\xa2\x04\x01\x04\x02"), id="a claim twice"),
        pytest.param(message(claims=b"\xbf\x04\x01\xff"), id="of indefinite length"),
        pytest.param(message(claims=b"\xa0\x00"), id="bytes after the claims"),
        pytest.param(message(claims=cbor2.dumps([1])), id="a list of claims"),
        pytest.param(message(claims=cbor2.dumps({"exp": 1})), id="claims by name"),
        pytest.param(message(claims=cbor2.dumps({True: 1})), id="true is no claim"),
        pytest.param(message(claims=cbor2.dumps({4: 1.5})), id="a float"),
        pytest.param(message(claims=cbor2.dumps({4: None})), id="null"),
        pytest.param(message(claims=b"\xa1\x04\xc1\x01"), id="a date"),
        pytest.param(message(claims=b"\xa1\x04\xd8\x1c\x81\xd8\x1d\x00"), id="its own part"),
        pytest.param(message(claims=b"\xa1\x04\x61\xff"), id="no UTF-8"),
        pytest.param(message(claims=b"\xa1\x04" + b"\x81" * 50 + b"\x01"), id="deep claims"),
        pytest.param(message(claims=b"\xa1\x04\x9b" + b"\xff" * 8), id="a huge list"),
        pytest.param(message(claims=b"\x5b\x7f" + b"\xff" * 7), id="huge bytes"),
    ],
)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        open_sealed(data, KEYS)


def test_every_bit() -> None:
    data = seal(CLAIMS, "a1", KEY)
    for position in range(len(data)):
        for bit in range(8):
            spoiled = bytearray(data)
            spoiled[position] ^= 1 << bit
            with pytest.raises(MalformedMessage):
                open_sealed(bytes(spoiled), KEYS)


@given(st.binary(max_size=120))
def test_any_bytes_are_refused(data: bytes) -> None:
    for spoiled in (data, b"\xd8\x3d\xd1" + data, b"\xd1\x84" + data):
        with pytest.raises(MalformedMessage):
            open_sealed(spoiled, KEYS)
    with pytest.raises(MalformedMessage):
        open_sealed(message(claims=b"\x82" + data), KEYS)
