"""What is written is what was meant: by our own reader, the schema, and another's parser."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta
from functools import cache
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from drm.cpix import TierKey, document_for, read, seal_document, write
from drm.cpix.envelope import Recipients
from drm.cpix.model import (
    AudioFilter,
    BitrateFilter,
    Delivery,
    Document,
    DocumentKey,
    HlsSignaling,
    KeyEntry,
    KeyPeriod,
    Playlist,
    Range,
    SealedKey,
    SystemEntry,
    UsageRule,
    Version,
    VideoFilter,
)
from drm.model import ContentKey
from packager.model import Kid, Scheme
from packager.pssh import System
from packager.systems import KeySystems
from tests.support import cpix_oracle
from tests.support.certificates import NOW, rsa_pair

ALL = KeySystems(widevine=True, playready=True, fairplay=True)
KID = Kid(bytes(range(16)))


@cache
def schema(*, multivariant: bool) -> etree.XMLSchema:
    return cpix_oracle.schema(multivariant=multivariant)


def require_valid(document: Document) -> bytes:
    data = write(document)
    schema(multivariant=document.version is Version.V2_4).assertValid(etree.fromstring(data))
    return data


kids = st.builds(Kid, st.binary(min_size=16, max_size=16))
names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
ids = st.integers(0, 99).map("p{}".format)
bounds = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda pair: Range(*sorted(pair)))
ranges = st.one_of(bounds, st.builds(Range, st.none() | st.integers(0, 99)))
flags = st.sampled_from([None, True, False])
sealed = st.builds(SealedKey, st.binary(min_size=1), st.binary(min_size=1))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    version = draw(st.sampled_from(Version))
    found = draw(st.lists(kids, min_size=1, max_size=4, unique=True))
    is_sealed = draw(st.booleans())
    key_id = st.sampled_from(found)
    master = Playlist.MASTER if version is Version.V2_3 else Playlist.MULTIVARIANT
    signaling = st.sampled_from(
        [(), (HlsSignaling(b"a"),), (HlsSignaling(b"", Playlist.MEDIA), HlsSignaling(b"b", master))]
    )
    systems = st.builds(
        SystemEntry,
        st.sampled_from([one.value for one in System if one is not System.CLEARKEY]),
        key_id,
        st.none() | names,
        pssh=st.none() | st.binary(),
        content_protection=st.none() | st.binary(),
        hls=signaling,
        smooth=st.none() | names,
    )
    instant = st.integers(0, 364).map(lambda day: NOW + timedelta(days=day))
    period = st.builds(KeyPeriod, ids, st.none() | st.integers(0, 9))
    start = draw(instant)
    timed = KeyPeriod(id="timed", start=start, end=start + timedelta(minutes=5))
    periods = draw(st.lists(period, max_size=2, unique_by=lambda one: one.id))
    rule = st.builds(
        UsageRule,
        st.just(found[0]),  # of one key: rules of two could clash
        st.none() | names,
        st.lists(st.sampled_from(["timed"]), max_size=1).map(tuple),
        st.lists(names, max_size=2).map(tuple),
        st.lists(st.builds(VideoFilter, ranges, ranges, flags, flags), max_size=2).map(tuple),
        st.lists(st.builds(AudioFilter, ranges), max_size=2).map(tuple),
        st.lists(st.builds(BitrateFilter, ranges), max_size=2).map(tuple),
    )
    delivery = Delivery(b"certificate", (DocumentKey(b"key"),), b"mac", "d1", "name")
    return Document(
        version=version,
        content_id=draw(st.none() | names),
        name=draw(st.none() | names),
        deliveries=(delivery,) if is_sealed else (),
        keys=tuple(
            KeyEntry(
                kid,
                draw(st.sampled_from([None, "cenc", "cbcs", "cens", "cbc1"])),
                key=None if is_sealed else draw(st.none() | st.binary(min_size=16, max_size=16)),
                sealed=draw(sealed) if is_sealed else None,
                explicit_iv=draw(st.none() | st.binary(min_size=16, max_size=16)),
                depends_on=draw(st.none() | key_id),
            )
            for kid in found
        ),
        systems=tuple(
            draw(st.lists(systems, max_size=3, unique_by=lambda one: (one.system, one.kid)))
        ),
        periods=(timed, *periods),
        rules=tuple(draw(st.lists(rule, max_size=3))),
    )


@given(documents())
def test_what_is_written_is_read_again_and_valid(document: Document) -> None:
    assert read(require_valid(document)) == document


@given(documents())
def test_another_parser_reads_the_same(document: Document) -> None:
    other = cpix_oracle.parse(write(document))
    assert other.content_id == document.content_id
    assert other.version == document.version.value
    assert [UUID(str(key.kid)).bytes for key in other.content_keys] == [
        key.kid.value for key in document.keys
    ]
    for theirs, ours in zip(other.content_keys, document.keys, strict=True):
        if ours.scheme is not None:
            assert theirs.common_encryption_scheme == ours.scheme
        secret = ours.key if ours.sealed is None else ours.sealed.cipher
        assert (None if theirs.cek is None else b64decode(theirs.cek)) == secret
        iv = theirs.explicit_iv
        assert (None if iv is None else b64decode(iv)) == ours.explicit_iv
    assert [(str(one.system_id), str(one.kid)) for one in other.drm_systems] == [
        (str(one.system), str(one.kid)) for one in document.systems
    ]
    assert [(str(one.kid), one.intended_track_type) for one in other.usage_rules] == [
        (str(one.kid), one.track_type) for one in document.rules
    ]
    assert len(other.periods) == len(document.periods)


def tier_keys(*schemes: Scheme) -> list[TierKey]:
    made = []
    for number, (tier, scheme) in enumerate((t, s) for t in ("free", "lossless") for s in schemes):
        key = ContentKey(Kid(bytes([number] * 16)), bytes([number + 100] * 16), bytes(16))
        made.append(TierKey(key, tier, scheme))
    return made


@pytest.mark.parametrize("scheme", [Scheme.CBCS, Scheme.CENC])
def test_our_keys_as_a_document(scheme: Scheme) -> None:
    document = document_for("track", tier_keys(scheme, Scheme.AES_128), systems=ALL)
    assert read(require_valid(document)) == document
    assert [rule.labels for rule in document.rules] == [
        ("free",),
        ("free/aes-128",),
        ("lossless",),
        ("lossless/aes-128",),
    ]
    assert [key.scheme for key in document.keys] == [scheme.value, "AES-128"] * 2
    fairplay = [one for one in document.systems if one.system == System.FAIRPLAY.value]
    assert len(fairplay) == (2 if scheme is Scheme.CBCS else 0)
    assert all(one.pssh is None for one in fairplay)


def test_a_sealed_document_is_valid_and_shows_no_key() -> None:
    document = document_for("track", tier_keys(Scheme.CBCS), systems=ALL)
    recipients = Recipients([rsa_pair(3072).certificate])
    data = require_valid(seal_document(document, recipients, NOW))
    for key in document.keys:
        assert key.key is not None
        assert key.key not in data
    assert b"PlainValue" not in data


def test_the_schema_refuses_the_other_versions_playlist() -> None:
    document = document_for("track", tier_keys(Scheme.CBCS), systems=ALL)
    assert not schema(multivariant=False).validate(etree.fromstring(write(document)))
