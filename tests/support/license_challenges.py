"""License requests as devices write them, by the public message definitions."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from packager.model import Kid, Scheme
from packager.pssh import common, playready_object, widevine


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def chunk(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def signed(kind: int, message: bytes) -> bytes:
    """SignedMessage: type, msg, signature."""
    return number(1, kind) + chunk(2, message) + chunk(3, secrets.token_bytes(256))


def license_request(content: bytes) -> bytes:
    """LicenseRequest: client_id (opaque), content_id, type NEW, request_time, protocol, nonce."""
    client = chunk(1, secrets.token_bytes(1500))
    rest = number(3, 1) + number(4, 1_795_000_000) + number(6, 21) + number(7, 1234567890)
    return client + chunk(2, content) + rest


def widevine_challenge(kids: Sequence[Kid], *, offline: bool = False) -> bytes:
    """By `widevine_pssh_data`: the data of the box, the license's type, the request's id."""
    data = widevine(kids, Scheme.CBCS).data
    entry = chunk(1, data) + number(2, 2 if offline else 1) + chunk(3, secrets.token_bytes(16))
    return signed(1, license_request(chunk(1, entry)))


def widevine_init_data_challenge(kids: Sequence[Kid]) -> bytes:
    """By `init_data`: whole boxes, of several systems."""
    boxes = common(kids).encode() + widevine(kids, Scheme.CBCS).encode()
    entry = number(1, 1) + chunk(2, boxes) + number(3, 1) + chunk(4, secrets.token_bytes(16))
    return signed(1, license_request(chunk(4, entry)))


def widevine_renewal() -> bytes:
    """By `existing_license`: a license's id, no key."""
    return signed(1, license_request(chunk(3, chunk(1, chunk(1, b"request")))))


CERTIFICATE_REQUEST = b"\x08\x04"  # all that Chrome sends for the vendor's certificate


def playready_challenge(kids: Sequence[Kid], header: str | None = None) -> bytes:
    if header is None:
        header = playready_object(kids, Scheme.CBCS)[10:].decode("utf-16-le")
    return f"""<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xmlns:xsd="http://www.w3.org/2001/XMLSchema" \
xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>\
<AcquireLicense xmlns="http://schemas.microsoft.com/DRM/2007/03/protocols"><challenge>\
<Challenge xmlns="http://schemas.microsoft.com/DRM/2007/03/protocols/messages">\
<LA xmlns="http://schemas.microsoft.com/DRM/2007/03/protocols" Id="SignedData" \
xml:space="preserve"><Version>1</Version><ContentHeader>{header}</ContentHeader>\
<CLIENTINFO><CLIENTVERSION>10.0.16384.10011</CLIENTVERSION></CLIENTINFO>\
<LicenseNonce>AAAAAAAAAAAAAAAAAAAAAA==</LicenseNonce><ClientTime>1795000000</ClientTime>\
</LA></Challenge></challenge></AcquireLicense></soap:Body></soap:Envelope>""".encode()


def fairplay_challenge() -> bytes:
    """An SPC: version 1, reserved, IV, key, hash, length, payload."""
    payload = secrets.token_bytes(640)
    head = (1).to_bytes(4, "big") + bytes(4) + secrets.token_bytes(16 + 128 + 20)
    return head + len(payload).to_bytes(4, "big") + payload
