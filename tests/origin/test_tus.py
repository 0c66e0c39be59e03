"""What clients say of files, hostile ones among them."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.problems import OriginError
from origin.uploads import tus


@given(st.text(max_size=400))
def test_any_name_is_one_file_in_any_folder(text: str) -> None:
    name = tus.safe_name(text)
    assert 0 < len(name.encode()) <= 120
    assert not name.startswith((".", "-", " "))
    assert not set(name) & set("/\\\0\n\r\t*?\"'<>|;$`\u202e") - {"'"}
    assert name.isprintable()
    assert tus.safe_name(name) == name


@pytest.mark.parametrize(
    ("text", "name", "stem"),
    [
        ("01 Prélude.wav", "01 Prélude.wav", "01 Prélude"),
        ("C:\\masters\\Mr. Smith.FLAC", "Mr. Smith.FLAC", "Mr. Smith"),
        ("Vol. 2", "Vol. 2", "Vol. 2"),
        ("", "master", "master"),
        ("../..", "master", "master"),
        ("-rf.wav", "master-rf.wav", "master-rf"),
        ("x" * 300 + ".aiff", "x" * 115 + ".aiff", "x" * 115),
    ],
)
def test_a_name_keeps_what_is_a_title(text: str, name: str, stem: str) -> None:
    assert tus.safe_name(text) == name
    assert tus.stem_of(name) == stem


@given(st.dictionaries(st.sampled_from(sorted(tus.FIELDS)), st.text(min_size=1, max_size=50)))
def test_metadata_comes_back_as_it_was_said(fields: dict[str, str]) -> None:
    kept = {key: value.strip() for key, value in fields.items() if value.strip()}
    if any("\0" in value for value in kept.values()):
        return
    try:
        text = tus.encode_metadata("a.wav", fields)
    except UnicodeEncodeError:  # half of a surrogate pair is no text
        return
    assert tus.parse_metadata(text) == tus.Said("a.wav", kept)


@given(st.text(max_size=200))
def test_metadata_is_read_or_refused(text: str) -> None:
    with suppress(OriginError):
        assert tus.parse_metadata(text).name


def test_a_checksum_is_of_a_known_kind_and_of_its_length() -> None:
    right = tus.parse_checksum("sha1 " + base64.b64encode(bytes(20)).decode())
    assert right == tus.Checksum("sha1", bytes(20))
    assert tus.parse_checksum(None) is None
    for wrong in (
        "sha1",
        "sha1 AAAA",
        "crc32 AAAA",
        "sha256 " + base64.b64encode(bytes(20)).decode(),
    ):
        with pytest.raises(OriginError):
            tus.parse_checksum(wrong)
