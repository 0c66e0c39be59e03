"""The table of range and conditional requests, through the edges: what they add of their own.

The origin keeps to the RFC in every case (tests/http/test_http_cases.py). What is here is known of
the servers themselves, and harmless: nothing but what was asked for is ever sent.
"""

from __future__ import annotations

import pytest

from scripts.edge_servers import Edge
from tests.support.http_cases import CASES, Resource
from tests.support.threaded_origin import Origin

pytestmark = pytest.mark.server

_IF_MATCH = "Varnish knows no If-Match"
_ONE_TAG = "it compares with one tag; the whole is sent once too often"
KNOWN: dict[str, dict[str, tuple[str, str]]] = {
    "nginx": {
        "unmodified since its date": ("412", "what says no date cannot be unmodified since one"),
    },
    "varnish": {
        "a last position without end": ("416", "a number too large for it"),
        "a suffix without end": ("416", "a number too large for it"),
        "the unit in capitals": ("200", "a server may ignore Range"),
        "none of two exists": ("200", "a server may ignore Range"),
        "in a list": ("200", _ONE_TAG),
        "star": ("200", _ONE_TAG),
        "in the second line": ("200", _ONE_TAG),
        "HEAD of something else": ("200", _IF_MATCH),
        "If-Match, another": ("200", _IF_MATCH),
        "If-Match, weak": ("200", _IF_MATCH),
        "If-Match another, and a range": ("206 0-9", _IF_MATCH),
        "If-Match another, beyond the end": ("416", _IF_MATCH),
        "If-Match another, and the tag": ("304", _IF_MATCH),
    },
}


@pytest.mark.parametrize("rest", ["aac-320k.mp4", "aac-64k/1.m4s", "standard/hls/aac-64k.m3u8"])
def test_the_cases(edge: Edge, origin: Origin, rest: str) -> None:
    resource = Resource.at(edge.url + origin.path(rest))
    found = {}
    for case in CASES:
        answer = resource.answer(case)
        if answer not in [resource.filled(text) for text in case.allowed]:
            found[case.name] = answer
    known = {name: answer for name, (answer, _) in KNOWN[edge.kind].items()}
    if edge.kind == "nginx":  # what it does with a plain file, it does with a copy, too
        known |= {case.name: resource.filled(case.nginx) for case in CASES if case.nginx}
    assert found == {name: known.get(name) for name in found}
