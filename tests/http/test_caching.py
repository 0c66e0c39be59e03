"""What answers tell caches: how long, under which names, and what never."""

from __future__ import annotations

import re

import pytest

from tests.http.conftest import Origin
from tests.support import house as houses

MANIFEST = "standard/hls/multivariant.m3u8"
REMEMBERED = ("aac-64k/1.m4s", "aac-64k/init.mp4", "aac-64k.mp4")


@pytest.mark.parametrize("rest", REMEMBERED)
async def test_what_never_changes_is_kept_and_may_be_stale(origin: Origin, rest: str) -> None:
    async with origin.client.get(origin.media(rest)) as response:
        fields = response.headers
        assert "immutable" in fields["Cache-Control"]
        assert _age(fields["CDN-Cache-Control"]) >= 7 * 86400
        for name in ("Cache-Control", "CDN-Cache-Control"):
            assert "stale-if-error" in fields[name]
            assert "stale-while-revalidate" in fields[name]
        assert fields["Surrogate-Key"] == fields["Cache-Tag"] == houses.TRACK
        etag = fields["ETag"]
    async with origin.client.get(origin.media(rest), headers={"If-None-Match": etag}) as bare:
        assert bare.status == 304
        for name in ("Cache-Control", "CDN-Cache-Control", "Surrogate-Key"):
            assert bare.headers[name] == fields[name]


async def test_manifests_are_never_older_than_half_a_minute(origin: Origin) -> None:
    async with origin.client.get(origin.media(MANIFEST)) as response:
        fields = response.headers
        # A CDN that does not say its Age, and then a browser.
        assert _age(fields["Cache-Control"]) + _age(fields["CDN-Cache-Control"]) <= 30
        for name in ("Cache-Control", "CDN-Cache-Control"):
            assert "must-revalidate" in fields[name]
            assert "stale" not in fields[name]
        assert fields["Surrogate-Key"] == f"{houses.TRACK} {houses.RELEASE}"
        assert fields["Cache-Tag"] == f"{houses.TRACK},{houses.RELEASE}"


async def test_keys_and_refusals_are_never_kept(origin: Origin) -> None:
    kid = origin.house.keys["standard"].kid.hex
    unknown = origin.media("flac.mp4").replace("/v1/t/2", "/v1/t/1")
    urls = (
        (origin.media(f"keys/{kid}"), 200),
        (origin.media("flac.mp4", "standard"), 403),
        (origin.media(f"keys/{'00' * 16}"), 403),
        (unknown, 401),
    )
    for url, status in urls:
        async with origin.client.get(url) as response:
            assert (url, response.status) == (url, status)
            assert response.headers["Cache-Control"] == "no-store"
            assert "CDN-Cache-Control" not in response.headers
            assert "Surrogate-Key" not in response.headers


async def test_a_query_is_nothing_to_anybody(origin: Origin) -> None:
    plain = origin.media("aac-64k/1.m4s")
    answers = set()
    for query in ("", "?CMCD=br%3D64%2Csid%3D%22a%22", "?x=1&token=2"):
        async with origin.client.get(plain + query) as response:
            answers.add((response.headers["ETag"], response.headers.get("Vary")))
    assert len(answers) == 1
    assert len(origin.state.replies) == 1


async def test_an_answer_says_where_its_bytes_came_from(origin: Origin) -> None:
    for expected in (r"storage;dur=\d+\.\d", "memory", "memory"):
        async with origin.client.get(origin.media("flac/1.m4s")) as response:
            assert re.fullmatch(expected, response.headers["Server-Timing"])
            assert response.headers["Timing-Allow-Origin"] == "*"
            assert "Server-Timing" in response.headers["Access-Control-Expose-Headers"]


def _age(field: str) -> int:
    match = re.search(r"max-age=(\d+)", field)
    assert match
    return int(match[1])
