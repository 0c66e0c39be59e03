"""The track file, read back by our own parser. Other people's readers are in tests/interop."""

from __future__ import annotations

import hashlib
import io
from fractions import Fraction

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from packager.boxes.base import Box, Container, parse
from packager.boxes.entries import AudioSampleEntry, SampleDescriptionBox
from packager.boxes.file import SegmentIndexBox
from packager.boxes.fragment import TrackFragmentDecodeTimeBox, TrackRunBox
from packager.boxes.movie import EditListBox
from packager.boxes.protection import (
    AuxiliaryOffsetsBox,
    ProtectionSystemBox,
    SampleEncryptionBox,
    TrackEncryptionBox,
)
from packager.boxes.table import SampleGroupDescriptionBox, SampleToGroupBox
from packager.cmaf import write_track
from packager.demux import demux
from packager.model import Scheme
from packager.pssh import System, widevine
from tests.packager.conftest import Encode
from tests.packager.packages import CBCS_IV, KEY, SAMPLE_SCHEMES, protection, write

ALL = [(codec, scheme) for codec in ("aac", "opus", "flac", "alac") for scheme in SAMPLE_SCHEMES]


def _moov(data: bytes) -> Container:
    box = parse(data)[1]
    assert isinstance(box, Container)
    assert box.kind == b"moov"
    return box


def _entry(data: bytes) -> AudioSampleEntry:
    tables = _moov(data).inside(b"trak", b"mdia", b"minf", b"stbl")
    entry = tables.get(SampleDescriptionBox).entries[0]
    assert isinstance(entry, AudioSampleEntry)
    return entry


def _fragments(boxes: tuple[Box, ...]) -> list[Container]:
    return [box for box in boxes if isinstance(box, Container) and box.kind == b"moof"]


@pytest.mark.parametrize(("codec", "scheme"), ALL)
def test_the_index_agrees_with_the_file(encode: Encode, codec: str, scheme: Scheme) -> None:
    rendition, data = write(encode(codec), scheme=scheme)
    boxes = parse(data)

    assert [box.code for box in boxes[:3]] == [b"ftyp", b"moov", b"sidx"]
    assert rendition.size == len(data)
    assert rendition.sha256 == hashlib.sha256(data).hexdigest()
    assert data[rendition.init.end + 4 : rendition.init.end + 8] == b"sidx"
    index = next(box for box in boxes if isinstance(box, SegmentIndexBox))
    assert index.first_offset == 0
    assert rendition.sidx.end == rendition.segments[0].span.start
    for segment, entry in zip(rendition.segments, index.references, strict=True):
        assert data[segment.span.start + 4 : segment.span.start + 8] == b"moof"
        assert (segment.span.size, segment.duration) == (entry.size, entry.duration)
    assert rendition.segments[-1].span.end == len(data)
    assert sum(entry.duration for entry in index.references) == rendition.trim.samples


@pytest.mark.parametrize(("codec", "scheme"), ALL)
def test_runs_point_at_their_samples_and_time_goes_on(
    encode: Encode, codec: str, scheme: Scheme
) -> None:
    rendition, data = write(encode(codec), scheme=scheme)
    time = 0
    for segment, moof in zip(rendition.segments, _fragments(parse(data)), strict=True):
        traf = moof.inside(b"traf")
        run = traf.get(TrackRunBox)
        assert run.sizes is not None
        assert run.data_offset is not None
        start = segment.span.start + run.data_offset
        assert data[start - 4 : start] == b"mdat"
        assert start + sum(run.sizes) == segment.span.end
        assert traf.get(TrackFragmentDecodeTimeBox).base_media_decode_time == time
        time = segment.start + segment.duration + rendition.trim.delay
    assert time == rendition.trim.delay + rendition.trim.samples


def test_priming_is_an_edit_and_times_begin_after_it(encode: Encode) -> None:
    """shaka-packager#112, #1265; gpac#1160."""
    rendition, data = write(encode("aac"))
    edits = _moov(data).inside(b"trak", b"edts").get(EditListBox).edits

    assert [(edit.duration, edit.media_time) for edit in edits] == [(0, 1024)]
    assert rendition.segments[0].duration == 172 * 1024 - 1024
    assert rendition.trim.delay + rendition.trim.samples + rendition.trim.padding == 433 * 1024


@pytest.mark.parametrize("codec", ["flac", "alac"])
def test_lossless_tracks_have_no_edit(encode: Encode, codec: str) -> None:
    _, data = write(encode(codec))

    assert not _moov(data).inside(b"trak").all(b"edts")


@pytest.mark.parametrize(("codec", "distance"), [("opus", b"\xff\xfc"), ("aac", b"\xff\xff")])
def test_codings_that_overlap_announce_their_roll(
    encode: Encode, codec: str, distance: bytes
) -> None:
    """packagers.md G5 and shaka-packager#108: counted in frames; 80 ms of Opus are four."""
    _, data = write(encode(codec))
    tables = _moov(data).inside(b"trak", b"mdia", b"minf", b"stbl")

    assert tables.get(SampleGroupDescriptionBox).entries == (distance,)
    for moof in _fragments(parse(data)):
        traf = moof.inside(b"traf")
        count = traf.get(TrackRunBox).sample_count
        assert traf.get(SampleToGroupBox).runs == ((count, 1),)


def test_cbcs_audio_has_a_constant_iv_and_no_auxiliary_boxes(encode: Encode) -> None:
    """shaka-packager#326 (tenc version 1), Bento4#428 and #944 (no senc, saiz, saio)."""
    _, data = write(encode("aac"), scheme=Scheme.CBCS)
    entry = _entry(data)
    sinf = next(one for one in entry.children if isinstance(one, Container))
    tenc = sinf.inside(b"schi").get(TrackEncryptionBox)

    assert entry.kind == b"enca"
    assert (tenc.version, tenc.pattern, tenc.default_per_sample_iv_size) == (1, (0, 0), 0)
    assert tenc.default_constant_iv == CBCS_IV
    assert not any(name in data[:2000] for name in (b"senc", b"saiz", b"saio"))
    assert _moov(data).get(ProtectionSystemBox).kids == (b"\x01" * 16,)


def test_cenc_ivs_are_where_saio_says_and_never_repeat(encode: Encode) -> None:
    """packagers.md E3; Bento4#781."""
    rendition, data = write(encode("aac"), scheme=Scheme.CENC)
    seen: set[bytes] = set()
    count = 0
    for segment, moof in zip(rendition.segments, _fragments(parse(data)), strict=True):
        senc = moof.inside(b"traf").get(SampleEncryptionBox)
        offset = moof.inside(b"traf").get(AuxiliaryOffsetsBox).offsets[0]
        at = segment.span.start + offset
        assert data[at : at + len(senc.ivs)] == senc.ivs
        seen.update(senc.ivs[at : at + 8] for at in range(0, len(senc.ivs), 8))
        count += senc.sample_count
    assert len(seen) == count == 433


def test_a_rate_beyond_16_bits_is_halved_in_the_entry_only(encode: Encode) -> None:
    """packagers.md B4."""
    rendition, data = write(encode("flac", rate=96000, seconds=1.5))

    assert _entry(data).sample_rate == 48000 << 16
    assert (rendition.sample_rate_hz, rendition.timescale) == (96000, 96000)


@pytest.mark.parametrize("scheme", list(Scheme))
def test_equal_input_gives_equal_bytes(encode: Encode, scheme: Scheme) -> None:
    assert write(encode("opus"), scheme=scheme) == write(encode("opus"), scheme=scheme)


def test_segments_of_all_schemes_begin_alike(encode: Encode) -> None:
    starts = {
        tuple(segment.start for segment in write(encode("aac"), scheme=scheme)[0].segments)
        for scheme in SAMPLE_SCHEMES
    }

    assert len(starts) == 1


@pytest.mark.parametrize("codec", ["aac", "opus", "flac", "alac"])
def test_aes_128_segments_decrypt_to_those_of_the_clear_track(encode: Encode, codec: str) -> None:
    """RFC 8216, 5.2: each segment on its own, from the playlist's IV, with PKCS #7 padding."""
    clear, plain = write(encode(codec))
    locked, data = write(encode(codec), scheme=Scheme.AES_128)

    assert data[: locked.init.end] == plain[: clear.init.end]
    assert locked.sidx.size == 0
    assert locked.iv == CBCS_IV
    for one, other in zip(locked.segments, clear.segments, strict=True):
        decryptor = Cipher(AES(KEY), CBC(CBCS_IV)).decryptor()
        unpadder = PKCS7(128).unpadder()
        padded = decryptor.update(data[one.span.start : one.span.end]) + decryptor.finalize()
        segment = unpadder.update(padded) + unpadder.finalize()
        assert segment == plain[other.span.start : other.span.end]
        assert (one.start, one.duration) == (other.start, other.duration)
    assert locked.segments[-1].span.end == locked.size == len(data)


def test_other_key_systems_stand_beside_the_common_one(encode: Encode) -> None:
    with encode("aac").open("rb") as source:
        out = io.BytesIO()
        protected = protection(Scheme.CBCS)
        assert protected
        write_track(
            source,
            demux(source),
            out,
            name="aac",
            tier="standard",
            segment_s=Fraction(4),
            protection=protected,
            pssh=[widevine([protected.kid], Scheme.CBCS)],
        )
    boxes = [box for box in _moov(out.getvalue()).children if isinstance(box, ProtectionSystemBox)]

    assert [box.system_id for box in boxes] == [
        System.COMMON.value.bytes,
        System.WIDEVINE.value.bytes,
    ]
