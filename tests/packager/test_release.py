from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from packager.model import Scheme
from packager.release import in_common, starts_s
from tests.packager import releases
from tests.packager.conftest import Encode


def test_what_only_one_track_has_and_opus_are_left_out(encode: Encode) -> None:
    tracks = releases.make(encode)

    names = [{one.name for one in track.renditions} for track in in_common(tracks)]

    assert names == [{"flac", "aac-128k"}] * 3


def test_another_scheme_is_nothing_in_common(encode: Encode) -> None:
    first, second, third = releases.make(encode)
    renditions = tuple(
        replace(one, scheme=Scheme.CENC) if one.name == "flac" else one for one in second.renditions
    )

    tracks = in_common((first, replace(second, renditions=renditions), third))

    assert all(track.rendition("flac") is None for track in tracks)
    assert all(track.rendition("aac-128k") for track in tracks)


def test_tracks_begin_where_the_one_before_ends(encode: Encode) -> None:
    tracks = releases.make(encode)
    starts = starts_s(tracks)

    assert starts[0] == 0
    lengths = [end - start for start, end in pairwise(starts)]
    assert lengths == [min(one.duration_s for one in track.renditions) for track in tracks]
