"""Purges on the wire, as Fastly and Cloudflare document them; nginx and Varnish: tests/edge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from configs.settings import EdgeSettings, PurgeSettings
from origin.outbound import OutboundClient
from pipeline import purging
from pipeline.purging import Purge, Purged, Purger
from tests.support.cli_home import TRACK_ID, Home, publication
from tests.support.http_recorder import Recorder, recording

TRACKS = tuple(f"t{number:020d}" for number in range(300))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "_BACKOFF_S", 0.01)


def cache(kind: str, url: str) -> PurgeSettings:
    token = {"token_variable": "A_TOKEN"} if kind in {"fastly", "cloudflare"} else {}
    return PurgeSettings.model_validate({"kind": kind, "url": url, **token})


async def tell(one: PurgeSettings, purge: Purge) -> Purged:
    async with OutboundClient() as http:
        (told,) = await Purger(http, [one], lambda _: "secret", timeout_s=5).purge(purge)
    return told


async def test_fastly(recorder: Recorder) -> None:
    """POST /service/{id}/purge: Fastly-Key, and up to 256 keys in Surrogate-Key."""
    url = f"{recorder.url}/service/SU1Z0isxPaozGVKXdv0eY"
    told = await tell(cache("fastly", url), Purge(TRACKS))
    assert told.problem is None
    assert len(recorder.asked) == 2
    keys = [key for asked in recorder.asked for key in asked.headers["surrogate-key"].split(" ")]
    assert sorted(keys) == sorted(TRACKS)
    for asked in recorder.asked:
        assert (asked.method, asked.path) == ("POST", "/service/SU1Z0isxPaozGVKXdv0eY/purge")
        assert asked.headers["fastly-key"] == "secret"
        assert "fastly-soft-purge" not in asked.headers  # gone, not stale
        assert asked.body == b""


async def test_cloudflare(recorder: Recorder) -> None:
    """POST /zones/{id}/purge_cache: a bearer token, up to 30 tags in a JSON body."""
    recorder.answers = [(200, b'{"success": true, "errors": [], "result": {"id": "x"}}')]
    url = f"{recorder.url}/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353"
    told = await tell(cache("cloudflare", url), Purge(TRACKS[:31]))
    assert told.problem is None
    assert len(recorder.asked) == 2
    bodies = [json.loads(asked.body) for asked in recorder.asked]
    assert sorted(tag for body in bodies for tag in body["tags"]) == sorted(TRACKS[:31])
    for asked in recorder.asked:
        assert asked.method == "POST"
        assert asked.path == "/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/purge_cache"
        assert asked.headers["authorization"] == "Bearer secret"
        assert asked.headers["content-type"] == "application/json"


async def test_a_yes_that_means_no_is_a_no(recorder: Recorder) -> None:
    recorder.answers = [(200, b'{"success": false, "errors": [{"code": 1}]}')]
    told = await tell(cache("cloudflare", recorder.url), Purge(TRACKS[:1]))
    assert told.problem == "it says that it did not"


async def test_varnish_and_nginx(recorder: Recorder) -> None:
    purge = Purge(TRACKS[:2], ("tracks/a/b/c/1.m4s", "tracks/a/b/c.mp4?slice=bytes=0-9"))
    assert (await tell(cache("varnish", recorder.url), purge)).problem is None
    (asked,) = recorder.asked
    assert (asked.method, asked.path) == ("BAN", "/")
    assert asked.headers["surrogate-key"] == " ".join(TRACKS[:2])
    recorder.asked.clear()
    recorder.answers = [(200, b""), (404, b"")]  # it was there; it was not
    assert (await tell(cache("nginx", recorder.url), purge)).problem is None
    assert sorted(asked.path.lstrip("/") for asked in recorder.asked) == sorted(purge.objects)
    assert {asked.method for asked in recorder.asked} == {"PURGE"}


async def test_what_fails_for_a_moment_is_tried_again(recorder: Recorder) -> None:
    recorder.answers = [(503, b""), (429, b""), (200, b"{}")]
    assert (await tell(cache("varnish", recorder.url), Purge(TRACKS[:1]))).problem is None
    assert len(recorder.asked) == 3


async def test_what_is_refused_is_told_at_once(recorder: Recorder) -> None:
    recorder.answers = [(403, b"")]
    told = await tell(cache("varnish", recorder.url), Purge(TRACKS[:1]))
    assert told == Purged("varnish", recorder.url, "status 403")
    assert len(recorder.asked) == 1


async def test_a_cache_that_is_not_there_is_told_of() -> None:
    told = await tell(cache("varnish", "http://127.0.0.1:1"), Purge(TRACKS[:1]))
    assert told.problem is not None


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kind": "fastly", "url": "https://a.example"}, "fastly needs a token"),
        (
            {"kind": "fastly", "url": "http://a.example", "token_variable": "A"},
            "url has to be https",
        ),
        (
            {"kind": "cloudflare", "url": "https://a.example", "token_file": "a"},
            "token_file has to be an absolute path",
        ),
        (
            {"kind": "nginx", "url": "http://a.example", "token_variable": "A"},
            "nginx takes no token",
        ),
        ({"kind": "squid", "url": "http://a.example"}, "kind"),
    ],
)
def test_caches_that_make_no_sense(values: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        EdgeSettings.model_validate({"purge": [values]})


def test_commands_that_take_away_tell_the_caches(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the settings of a file, with a token from a variable."""
    home = Home(tmp_path / "home")
    home.publish(publication())
    config = tmp_path / "headwater.yaml"
    config.write_text(
        "edge:\n  purge:\n"
        f"    - {{kind: fastly, url: '{recorder.url}/service/a', token_variable: FASTLY_TOKEN}}\n"
        f"    - {{kind: varnish, url: '{recorder.url}'}}\n"
    )
    monkeypatch.setenv("FASTLY_TOKEN", "from-the-environment")
    commands = (
        ("track", "unpublish", TRACK_ID),
        ("track", "embargo", TRACK_ID, "2100-01-01T00:00"),
        ("takedown", TRACK_ID, "--reason", "notice 1"),
    )
    for command in commands:
        recorder.asked.clear()
        home.run("--config", str(config), *command)
        assert {asked.method for asked in recorder.asked} == {"POST", "BAN"}
        for asked in recorder.asked:
            assert asked.headers["surrogate-key"].split()[0] == TRACK_ID
            if asked.method == "POST":
                assert asked.headers["fastly-key"] == "from-the-environment"
    recorder.answers = [(403, b"")]
    done = home.run("--config", str(config), *commands[-1], code=1)
    assert "not told; the change itself is done" in done.output
    assert "from-the-environment" not in done.output
