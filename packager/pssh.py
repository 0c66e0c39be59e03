"""Protection system headers: what tells a player's key system which key to ask for.

A `pssh` box (ISO/IEC 23001-7:2023, 8.1) may stand in the movie box and in manifests; what is in
it is each system's own affair.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Sequence
from enum import Enum
from uuid import UUID
from xml.sax.saxutils import escape

from packager.boxes.base import parse
from packager.boxes.protection import ProtectionSystemBox
from packager.errors import MalformedMedia
from packager.model import Kid, Scheme


class System(Enum):
    """The key systems and their identifiers (DASH-IF's list of content protection system IDs)."""

    # W3C "cenc" Initialization Data Format, section 4: the Common PSSH, which Clear Key reads.
    COMMON = UUID("1077efec-c0b2-4d02-ace3-3c1e52e2fb4b")
    # DASH-IF ClearKey content protection; signalled in an MPD only.
    CLEARKEY = UUID("e2719d58-a985-b3c9-781a-b030af78d30e")
    WIDEVINE = UUID("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed")
    PLAYREADY = UUID("9a04f079-9840-4286-ab92-e65be0885f95")
    FAIRPLAY = UUID("94ce86fb-07ff-4f43-adb8-93d2fa968ca2")


# Widevine's pssh data: a protocol buffer, see Shaka Packager's widevine_pssh_data.proto.
_WIDEVINE_KEY_ID = 2 << 3 | 2  # field 2, length-delimited
_WIDEVINE_PROVIDER = 3 << 3 | 2
_WIDEVINE_CONTENT_ID = 4 << 3 | 2
_WIDEVINE_SCHEME = 9 << 3  # field 9, varint

_PLAYREADY_NAMESPACE = "http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader"
_PLAYREADY_ALGORITHM = {Scheme.CENC: "AESCTR", Scheme.CBCS: "AESCBC"}
_PLAYREADY_HEADER_RECORD = 1


def common(kids: Sequence[Kid]) -> ProtectionSystemBox:
    """The Common PSSH box: version 1, the KIDs, no data."""
    return ProtectionSystemBox(System.COMMON.value.bytes, tuple(kid.value for kid in kids))


def widevine(
    kids: Sequence[Kid], scheme: Scheme, *, content_id: bytes = b"", provider: str = ""
) -> ProtectionSystemBox:
    """Widevine's box, version 0. Some license services want a content id (shaka-packager#680)."""
    data = b"".join(_field(_WIDEVINE_KEY_ID, kid.value) for kid in kids)
    if provider:
        data += _field(_WIDEVINE_PROVIDER, provider.encode())
    if content_id:
        data += _field(_WIDEVINE_CONTENT_ID, content_id)
    data += _varint(_WIDEVINE_SCHEME) + _varint(int.from_bytes(scheme.value.encode(), "big"))
    return ProtectionSystemBox(System.WIDEVINE.value.bytes, data=data)


def playready(kids: Sequence[Kid], scheme: Scheme, *, la_url: str = "") -> ProtectionSystemBox:
    """PlayReady's box, version 0: its data is the PlayReady object."""
    return ProtectionSystemBox(
        System.PLAYREADY.value.bytes, data=playready_object(kids, scheme, la_url=la_url)
    )


def read_box(data: bytes) -> ProtectionSystemBox:
    """Read a whole `pssh` box. MalformedMedia if it is not exactly one."""
    boxes = parse(data)
    if len(boxes) != 1 or not isinstance(boxes[0], ProtectionSystemBox):
        raise MalformedMedia("not one pssh box", path="pssh")
    return boxes[0]


def is_box_of(system: System, data: bytes) -> bool:
    """Tell whether that is a whole `pssh` box of this system."""
    try:
        return read_box(data).system_id == system.value.bytes
    except MalformedMedia:
        return False


def playready_object(kids: Sequence[Kid], scheme: Scheme, *, la_url: str = "") -> bytes:
    """The PlayReady object (PRO) with one header record. Lengths are little-endian.

    Header 4.3 for both schemes: 4.3 is the first with AESCBC, and no CHECKSUM goes with that
    (Bento4#697); KIDs are GUIDs, so their first three fields are little-endian too.
    """
    algorithm = _PLAYREADY_ALGORITHM[scheme]
    keys = "".join(
        f'<KID ALGID="{algorithm}" VALUE="{b64encode(UUID(bytes=kid.value).bytes_le).decode()}">'
        "</KID>"
        for kid in kids
    )
    license_url = f"<LA_URL>{escape(la_url)}</LA_URL>" if la_url else ""
    header = (
        f'<WRMHEADER xmlns="{_PLAYREADY_NAMESPACE}" version="4.3.0.0"><DATA><PROTECTINFO>'
        f"<KIDS>{keys}</KIDS></PROTECTINFO>{license_url}</DATA></WRMHEADER>"
    ).encode("utf-16-le")
    record = struct.pack("<HH", _PLAYREADY_HEADER_RECORD, len(header)) + header
    return struct.pack("<IH", len(record) + 6, 1) + record


def _field(tag: int, value: bytes) -> bytes:
    return _varint(tag) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
