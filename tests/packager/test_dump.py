from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packager.boxes.base import Box, Container, parse
from packager.dump import Node, dump, text
from packager.errors import MalformedMedia
from packager.model import Scheme
from tests.packager.conftest import Encode
from tests.packager.packages import CBCS_IV, write


def _dump(data: bytes) -> tuple[Node, ...]:
    return dump(io.BytesIO(data))


def _all(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all(node.children)


def _find(nodes: tuple[Node, ...], name: str) -> Node:
    return next(node for node in _all(nodes) if node.type == name)


@pytest.mark.parametrize("codec", ["aac", "opus", "flac", "alac"])
def test_the_tree_is_the_parsers(encode: Encode, codec: str) -> None:
    _, data = write(encode(codec), scheme=Scheme.CENC)

    def names(box: Box) -> object:
        if isinstance(box, Container):
            return [box.kind.decode(), *map(names, box.children)]
        return box.code.decode()

    def shown(node: Node) -> object:
        inside = [] if node.type in {"stsd", "enca"} else [shown(one) for one in node.children]
        return [node.type, *inside] if inside else node.type

    nodes = _dump(data)

    assert [shown(node) for node in nodes] == [names(box) for box in parse(data)]
    for node in _all(nodes):
        assert node.problem is None
        assert data[node.offset + 4 : node.offset + 8].decode() == node.type
        assert int.from_bytes(data[node.offset : node.offset + 4], "big") == node.size


def test_values_are_readable(encode: Encode) -> None:
    rendition, data = write(encode("aac"), scheme=Scheme.CBCS)
    nodes = _dump(data)

    assert _find(nodes, "ftyp").fields["compatible_brands"] == ["iso6", "cmfc", "dash"]
    assert _find(nodes, "enca").fields["sample_rate"] == 44100
    assert _find(nodes, "frma").fields == {"data_format": "mp4a"}
    tenc = _find(nodes, "tenc").fields
    assert tenc["default_kid"] == str(rendition.kid)
    assert tenc["default_constant_iv"] == CBCS_IV.hex()
    assert tenc["version"] == 1
    assert _find(nodes, "elst").fields["edits"] == [{"duration": 0, "media_time": 1024}]


def test_the_text_says_where_and_what(encode: Encode) -> None:
    _, data = write(encode("aac"), scheme=Scheme.CBCS)
    lines = list(text(_dump(data)))

    assert lines[0] == "[ftyp] offset=0 size=8+20"
    assert "      [tfdt] offset=" not in lines[0]
    assert any(line.startswith("    [tfdt] offset=") for line in lines)
    assert any(line.strip() == "flags = 0x20000" for line in lines)
    sizes = next(line for line in lines if line.strip().startswith("sizes = [3"))
    assert sizes.endswith("... (172 in all)]")
    assert not any(line.endswith(" = None") for line in lines)


def test_the_document_is_json(encode: Encode) -> None:
    _, data = write(encode("flac"))

    documents = [node.document() for node in _dump(data)]

    assert json.loads(json.dumps(documents)) == documents


class _Counting(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def test_media_data_is_not_read() -> None:
    large = 1 << 26
    source: BinaryIO = _Counting(
        (large + 8).to_bytes(4, "big") + b"mdat" + bytes(large) + b"\0\0\0\x08free"
    )

    assert [node.type for node in dump(source)] == ["mdat", "free"]
    assert isinstance(source, _Counting)
    assert source.count < 1 << 20


@pytest.mark.parametrize(
    ("data", "name", "problem"),
    [
        (b"\0\0\0\x10freeabc", "free", "is 16 bytes long, 11 are left"),
        (b"\0\0\0\x04free", "free", "a box of 4 bytes"),
        (b"\0\0\0\x09mfhd\0", "mfhd", "needs 3 bytes"),
        (b"\0\0\0\x12mfhd" + bytes(10), "mfhd", "2 bytes after the last field"),
        (b"\0\0\0\x08moov\0\0\0", "\\x00\\x00\\x00", ""),
        (b"\0\0\0\x0auuidab", "uuid", "needs 16 bytes"),
    ],
)
def test_broken_boxes_are_shown_with_their_problem(data: bytes, name: str, problem: str) -> None:
    nodes = _dump(data)

    found = next((node for node in nodes if node.type == name), nodes[-1])
    assert found.problem is not None
    assert problem in found.problem
    assert any(line.strip().startswith("! ") for line in text(nodes))


def test_nesting_is_bounded() -> None:
    data = b""
    for _ in range(40):
        data = (len(data) + 8).to_bytes(4, "big") + b"moov" + data

    assert any(node.problem == "is nested too deep" for node in _all(_dump(data)))


@pytest.mark.parametrize("data", [b"", b"ID3\4" + bytes(20), b"\0\0\0\x08\xff\0\0\0"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedMedia, match="not an MP4 file"):
        _dump(data)


def test_metadata_of_iso_and_of_quicktime_is_opened() -> None:
    inner = b"\0\0\0\x0cilst\0\0\0\0"
    iso = (len(inner) + 12).to_bytes(4, "big") + b"meta" + bytes(4) + inner
    quicktime = (len(inner) + 8).to_bytes(4, "big") + b"meta" + inner

    for data in (iso, quicktime):
        assert [one.type for one in _dump(data)[0].children] == ["ilst"]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_damage_is_shown(encode: Encode, data: st.DataObject) -> None:
    damaged = bytearray(write(encode("opus"), scheme=Scheme.CENC)[1][:4000])
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(8, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    assert list(text(_dump(bytes(damaged))))
