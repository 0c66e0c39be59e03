"""A GeoIP database of our own: as much of MaxMind DB's format 2.0 as a few networks need."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

_BITS = 128
_MARKER = b"\xab\xcd\xefMaxMind.com"
_STRING, _UINT16, _UINT32, _MAP = 2, 5, 6, 7
_UINT64, _ARRAY = 9, 11


def database(countries: Mapping[str, object]) -> bytes:
    """A database of these networks and their records; IPv4 lies at ::/96."""
    nodes: list[list[int | None]] = [[None, None]]
    leaves: dict[tuple[int, int], int] = {}
    data = b""
    for text, record in countries.items():
        leaf = _leaf(nodes, text)
        leaves[leaf] = len(data)
        data += _encoded(record)
    count = len(nodes)
    tree = bytearray()
    for number, node in enumerate(nodes):
        for side, child in enumerate(node):
            offset = leaves.get((number, side))
            value = count + 16 + offset if offset is not None else child or count
            tree += value.to_bytes(3, "big")
    return bytes(tree) + bytes(16) + data + _MARKER + _metadata(count)


def _leaf(nodes: list[list[int | None]], text: str) -> tuple[int, int]:
    """Where in the tree a network's record goes: a node and its left or right side."""
    network = ipaddress.ip_network(text)
    bits, length = int(network.network_address), network.prefixlen
    length += 96 if network.version == 4 else 0
    at = 0
    for depth in range(length - 1):
        side = bits >> (_BITS - 1 - depth) & 1
        child = nodes[at][side]
        if child is None:
            nodes.append([None, None])
            child = nodes[at][side] = len(nodes) - 1
        at = child
    return at, bits >> (_BITS - length) & 1


def _metadata(node_count: int) -> bytes:
    fields = {
        "binary_format_major_version": _number(_UINT16, 2),
        "binary_format_minor_version": _number(_UINT16, 0),
        "build_epoch": _number(_UINT64, 1_795_000_000),
        "database_type": _encoded("Test-Country"),
        "description": _encoded({}),
        "ip_version": _number(_UINT16, 6),
        "languages": _control(_ARRAY, 0),
        "node_count": _number(_UINT32, node_count),
        "record_size": _number(_UINT16, 24),
    }
    pairs = b"".join(_encoded(name) + value for name, value in fields.items())
    return _control(_MAP, len(fields)) + pairs


def _encoded(value: object) -> bytes:
    if isinstance(value, str):
        return _control(_STRING, len(value)) + value.encode()
    if isinstance(value, int):
        return _number(_UINT32, value)
    assert isinstance(value, dict)
    pairs = b"".join(_encoded(name) + _encoded(one) for name, one in value.items())
    return _control(_MAP, len(value)) + pairs


def _number(kind: int, value: int) -> bytes:
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(data)) + data


def _control(kind: int, size: int) -> bytes:
    assert size < 29
    return bytes([kind << 5 | size]) if kind <= _MAP else bytes([size, kind - _MAP])
