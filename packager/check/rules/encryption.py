"""How a track is protected. ISO/IEC 23001-7:2023; 23000-19:2020, clause 8."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from uuid import UUID

from lxml import etree

from packager.boxes.protection import (
    AuxiliaryOffsetsBox,
    AuxiliarySizesBox,
    OriginalFormatBox,
    ProtectionSystemBox,
    SampleEncryptionBox,
    TrackEncryptionBox,
)
from packager.check.decryption import MalformedAuxiliary, sample_ivs
from packager.check.findings import Problem, Rules, Severity
from packager.check.track import Fragment, Track
from packager.pssh import System

RULES: Rules[Track] = Rules()
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_BLOCK = 16  # bytes
_FULL_BOX = 12  # bytes of size, type, version and flags
_SENC_COUNT = 4  # bytes of the sample_count


@RULES.rule("E4.sinf", ERROR, "ISO/IEC 14496-12:2022, 8.12", answers="gpac#1133, gpac#1476")
def _sinf(track: Track) -> Iterator[Problem]:
    """A protected entry says what it was and how it is protected."""
    entry = track.entry_node
    if entry.code != b"enca":
        if entry.find(b"sinf"):
            text = f"a sinf inside a clear {entry.code.decode('latin-1')} entry"
            yield Problem(entry.place, text, "call the entry enca")
        return
    if entry.find(b"sinf") is None:
        yield Problem(entry.place, "enca has no sinf", "append sinf with frma, schm, schi(tenc)")
        return
    for path in ((b"frma",), (b"schm",), (b"schi", b"tenc")):
        if entry.find(b"sinf", *path) is None:
            name = path[-1].decode()
            yield Problem(entry.place, f"sinf has no {name}", f"write {name}")
    original = entry.get(OriginalFormatBox, b"sinf", b"frma")
    if original and original.data_format == b"enca":
        yield Problem(entry.place, "frma says enca", "write the type of the clear entry")


@RULES.rule("E1.scheme", WARNING, "ISO/IEC 23000-19:2020, 8.2")
def _scheme(track: Track) -> Iterator[Problem]:
    """The scheme is cenc or cbcs."""
    if track.scheme is not None and track.scheme not in {b"cenc", b"cbcs"}:
        node = track.entry_node.find(b"sinf", b"schm") or track.entry_node
        text = f"scheme {track.scheme.decode('latin-1')!r} is played by hardly anybody"
        yield Problem(node.place, text, "use cbcs, or cenc for old devices")


@RULES.rule(
    "E1.tenc",
    ERROR,
    "ISO/IEC 23001-7:2023, 8.2, 9.7, 10.4",
    answers="shaka-packager#326, gpac#1053, shaka-packager#197",
)
def _tenc(track: Track) -> Iterator[Problem]:
    """The track encryption box is one for whole samples of audio."""
    box = track.encryption
    node = track.entry_node.find(b"sinf", b"schi", b"tenc")
    if box is None or node is None:
        return
    if box.default_is_protected != 1:
        yield Problem(node.place, "isProtected is 0 in a protected entry", "write 1", WARNING)
    faults = _TENC_FAULTS.get(track.scheme or b"")
    for text, remedy, severity in faults(box) if faults else ():
        yield Problem(node.place, text, remedy, severity)


def _cbcs_faults(box: TrackEncryptionBox) -> Iterator[tuple[str, str, Severity]]:
    if box.pattern is None:
        text = "tenc has version 0 under cbcs: Safari plays silence"
        yield text, "write version 1 with the pattern 0:0", ERROR
    elif box.pattern not in {(0, 0), (1, 0), (10, 0)}:
        text = f"a pattern of {box.pattern[0]}:{box.pattern[1]} for audio"
        yield text, "encrypt audio without a pattern: 0:0", ERROR
    if box.default_per_sample_iv_size:
        text = "an IV for every sample under cbcs"
        yield text, "use a constant IV: FairPlay knows no other", WARNING
    elif len(box.default_constant_iv) != _BLOCK:
        yield f"a constant IV of {len(box.default_constant_iv)} bytes", "write 16 bytes", ERROR


def _cenc_faults(box: TrackEncryptionBox) -> Iterator[tuple[str, str, Severity]]:
    if box.pattern is not None:
        yield "a pattern under cenc", "write tenc version 0", WARNING
    if box.default_per_sample_iv_size not in {8, 16}:
        text = f"IVs of {box.default_per_sample_iv_size} bytes under cenc"
        yield text, "give every sample an IV of 8 bytes", ERROR


_TENC_FAULTS = {b"cbcs": _cbcs_faults, b"cenc": _cenc_faults}


@RULES.rule("E2.senc", ERROR, "ISO/IEC 23001-7:2023, 7.2", answers="Bento4#781")
def _senc(track: Track) -> Iterator[Problem]:
    """Every sample has its IV."""
    box = track.encryption
    if box is None:
        return
    for one in track.fragments:
        node = one.traf.find(b"senc")
        senc = one.traf.get(SampleEncryptionBox, b"senc")
        if senc is None or node is None:
            if box.default_per_sample_iv_size and one.traf.find(b"saio") is None:
                text = "no senc: nobody knows the IVs of these samples"
                yield Problem(one.traf.place, text, "write senc, saiz and saio")
                return
            continue
        if senc.sample_count != len(one.sizes):
            text = f"senc counts {senc.sample_count} samples, the fragment has {len(one.sizes)}"
            yield Problem(node.place, text, "write an entry for every sample, or no senc")
            return
        try:
            sample_ivs(senc, box.default_per_sample_iv_size)
        except MalformedAuxiliary as exc:
            yield Problem(node.place, str(exc), "write one IV, and its subsamples, for each sample")
            return


@RULES.rule(
    "E2.constant",
    WARNING,
    "ISO/IEC 23000-19:2020, 8.2.2.1",
    answers="Bento4#428, Bento4#944, ExoPlayer#5684",
)
def _auxiliary_of_constant_iv(track: Track) -> Iterator[Problem]:
    """There is no auxiliary information where the IV is constant."""
    box = track.encryption
    if box is None or track.scheme != b"cbcs" or box.default_per_sample_iv_size:
        return
    for one in track.fragments[:1]:
        senc = one.traf.get(SampleEncryptionBox, b"senc")
        node = one.traf.find(b"saiz") or one.traf.find(b"senc")
        if node is None:
            continue
        remedy = "leave senc, saiz and saio out of audio with a constant IV"
        if senc and senc.subsamples:
            text = "subsamples in audio: ffmpeg 5 refuses them under cbcs without a pattern"
            yield Problem(node.place, text, remedy)
        elif node.code == b"saiz":
            yield Problem(node.place, "saiz although no sample has an IV: ffmpeg 5 stops", remedy)
        else:
            yield Problem(node.place, "senc says nothing: the IV is constant", remedy, NOTE)


@RULES.rule("E3.auxiliary", ERROR, "ISO/IEC 14496-12:2022, 8.7.8, 8.7.9", answers="ExoPlayer#5684")
def _auxiliary(track: Track) -> Iterator[Problem]:
    """The saiz and saio boxes lead to the IVs."""
    box = track.encryption
    if box is None or not box.default_per_sample_iv_size:
        return
    for one in track.fragments:
        found = next(_auxiliary_problems(one, box.default_per_sample_iv_size), None)
        if found:
            yield found
            return


def _auxiliary_problems(one: Fragment, iv_size: int) -> Iterator[Problem]:
    sizes = one.traf.get(AuxiliarySizesBox, b"saiz")
    offsets = one.traf.get(AuxiliaryOffsetsBox, b"saio")
    senc_node = one.traf.find(b"senc")
    senc = one.traf.get(SampleEncryptionBox, b"senc")
    if sizes is None or offsets is None:
        text = "no saiz and saio: readers that do not know senc cannot decrypt"
        yield Problem(one.traf.place, text, "write both", WARNING)
        return
    size_node = one.traf.find(b"saiz") or one.traf
    if sizes.sample_count != len(one.sizes):
        text = f"saiz counts {sizes.sample_count} samples, the fragment has {len(one.sizes)}"
        yield Problem(size_node.place, text, "write the number of samples")
    if senc and not senc.subsamples and sizes.default_size != iv_size:
        text = f"saiz says {sizes.default_size} bytes for a sample, an IV has {iv_size}"
        yield Problem(size_node.place, text, f"write default_sample_info_size {iv_size}")
    if senc_node and len(offsets.offsets) == 1:
        wanted = senc_node.start + _FULL_BOX + _SENC_COUNT - one.moof.start
        if offsets.offsets[0] != wanted:
            node = one.traf.find(b"saio") or one.traf
            text = f"saio says {offsets.offsets[0]}; the first IV is {wanted} bytes into the moof"
            yield Problem(node.place, text, "count from the moof to behind senc's sample_count")


@RULES.rule("E3.reuse", ERROR, "ISO/IEC 23001-7:2023, 10.1; NIST SP 800-38A, 6.5")
def _reuse(track: Track) -> Iterator[Problem]:
    """No IV of a cenc track is used twice."""
    box = track.encryption
    if box is None or track.scheme != b"cenc":
        return
    seen: dict[bytes, int] = {}
    for one in track.fragments:
        senc = one.traf.get(SampleEncryptionBox, b"senc")
        try:
            entries = sample_ivs(senc, box.default_per_sample_iv_size) if senc else []
        except MalformedAuxiliary:
            return  # E2.senc says it
        for iv, _ in entries:
            if iv[:8] in seen:
                node = one.traf.find(b"senc") or one.traf
                text = f"IV {iv.hex()} is used twice: the sum of two samples is in the clear"
                yield Problem(node.place, text, "count IVs on through the whole track")
                return
            seen[iv[:8]] = 1


@RULES.rule("E6.pssh", WARNING, "W3C cenc Initialization Data Format, 4")
def _pssh(track: Track) -> Iterator[Problem]:
    """The pssh boxes are about the track's KID."""
    box = track.encryption
    for node in track.moov.all(b"pssh"):
        system = node.box
        if not isinstance(system, ProtectionSystemBox):
            continue
        if box is None:
            yield Problem(node.place, "pssh in a movie without protected tracks", "leave it out")
        elif system.system_id == System.COMMON.value.bytes and box.default_kid not in system.kids:
            text = f"the common pssh does not list the KID {box.default_kid.hex()}"
            yield Problem(node.place, text, "list the KID of tenc, in its byte order")
        elif system.system_id == System.PLAYREADY.value.bytes:
            for text, remedy in playready_problems(system.data, box.default_kid, track.scheme):
                yield Problem(node.place, text, remedy)


def playready_problems(data: bytes, kid: bytes, scheme: bytes | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a PlayReady object for a KID. PlayReady Header Specification, 4.3."""
    xml = _playready_header(data)
    if xml is None:
        yield "not a PlayReady object with a header record", "write lengths little-endian, UTF-16LE"
        return
    text = etree.tostring(xml, encoding="unicode")
    guid = _base64(UUID(bytes=kid).bytes_le)
    if guid not in text:
        swapped = _base64(kid) in text
        why = "is in network byte order" if swapped else "is not in the header"
        yield f"the KID {kid.hex()} {why}", f"write it as a GUID in base64: {guid}"
    version = xml.get("version") or ""
    if scheme == b"cbcs":
        if version < "4.3":
            yield f"header {version} for cbcs", "AESCBC needs header 4.3.0.0"
        if "CHECKSUM" in text:
            yield "CHECKSUM with AESCBC: players refuse the header", "leave CHECKSUM out"


def _playready_header(data: bytes) -> etree._Element | None:
    if len(data) < 10 or int.from_bytes(data[:4], "little") != len(data):
        return None
    size = int.from_bytes(data[8:10], "little")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(data[10 : 10 + size].decode("utf-16-le"), parser)
    except (ValueError, etree.XMLSyntaxError):
        return None


def _base64(data: bytes) -> str:

    return b64encode(data).decode()
