"""The MPD of a whole release."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from lxml import etree

from packager.addressing import Addressing
from packager.dash.render import release_mpd
from packager.model import Package, Scheme
from packager.release import in_common, starts_s
from packager.text.lyrics import Line, Lyrics
from packager.text.track import make
from tests.packager import releases
from tests.packager.conftest import Encode
from tests.packager.dash.test_render import NS, SCHEMA

SCHEMES = (Scheme.CLEAR, Scheme.CBCS)


@pytest.fixture(params=SCHEMES)
def tracks(request: pytest.FixtureRequest, encode: Encode) -> tuple[Package, ...]:
    return in_common(releases.make(encode, request.param))


def _tree(
    tracks: tuple[Package, ...], addressing: Addressing = Addressing.RANGES
) -> etree._Element:
    text = release_mpd(
        tracks,
        title="Album",
        artist="Nobody",
        media_base=lambda one: f"../../{one.track_id}/",
        addressing=addressing,
    )
    return etree.fromstring(text.encode())


@pytest.mark.parametrize("addressing", Addressing)
@pytest.mark.skipif(not SCHEMA.exists(), reason=f"the MPEG-DASH schema is not at {SCHEMA}")
def test_the_mpd_is_valid(tracks: tuple[Package, ...], addressing: Addressing) -> None:
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(_tree(tracks, addressing))


def test_there_is_a_period_for_each_track(tracks: tuple[Package, ...]) -> None:
    periods = _tree(tracks).findall("d:Period", NS)

    assert [one.get("id") for one in periods] == [track.track_id for track in tracks]
    for period, track in zip(periods, tracks, strict=True):
        urls = [element.text or "" for element in period.iterfind(".//d:BaseURL", NS)]
        assert len(urls) == len(track.renditions)
        assert all(url.startswith(f"../../{track.track_id}/") for url in urls)


def test_durations_add_up_to_the_release(tracks: tuple[Package, ...]) -> None:
    tree = _tree(tracks)
    durations = [Decimal(one.get("duration", "")[2:-1]) for one in tree.iterfind("d:Period", NS)]

    assert sum(durations) == Decimal(tree.get("mediaPresentationDuration", "")[2:-1])
    assert sum(durations) * 1_000_000 == round(starts_s(tracks)[-1] * 1_000_000)


def test_sets_have_the_same_ids_in_every_period(tracks: tuple[Package, ...]) -> None:
    ids = [
        [(one.get("id"), one.get("codecs")) for one in period.iterfind("d:AdaptationSet", NS)]
        for period in _tree(tracks).iterfind("d:Period", NS)
    ]
    assert ids == [ids[0]] * len(tracks)


def test_every_period_has_every_language(tracks: tuple[Package, ...]) -> None:
    """Shaka Player drops a text of which a Period has nothing."""
    first, second, third = tracks
    words = make(Lyrics((Line("a", 1_000),), "en", is_synced=True), third.renditions[0])
    assert words
    tree = _tree((first, second, replace(third, lyrics=(words.track,))))

    sets = tree.findall(".//d:AdaptationSet[@contentType='text']", NS)
    assert [one.get("lang") for one in sets] == ["en"] * 3
    files = [one.findtext(".//d:BaseURL", namespaces=NS) for one in sets]
    assert files == [
        f"../../{first.track_id}/no-lyrics.vtt",
        f"../../{second.track_id}/no-lyrics.vtt",
        f"../../{third.track_id}/lyrics-en.vtt",
    ]
