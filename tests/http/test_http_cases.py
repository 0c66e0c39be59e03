"""The table of range and conditional requests, over sockets: ours and nginx's side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.house import House, copy
from tests.support.http_cases import CASES, Case, Resource
from tests.support.plain_files import serving_files
from tests.support.threaded_origin import serving

pytestmark = pytest.mark.server

_FILE = "aac-64k.mp4"
_OURS = (_FILE, "aac-320k/1.m4s", "standard/hls/aac-64k.m3u8", "standard/dash/manifest.mpd")


@pytest.fixture(scope="module")
def ours(built_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Resource]]:
    house = copy(built_house, tmp_path_factory.mktemp("ours") / "house")
    with serving(house) as origin:
        base = f"http://127.0.0.1:{origin.port}"
        yield [Resource.at(base + origin.path(rest)) for rest in _OURS]


@pytest.fixture(scope="module")
def nginxs(ours: list[Resource], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resource]:
    """The same bytes as a plain file."""
    folder = tmp_path_factory.mktemp("www")
    (folder / _FILE).write_bytes(ours[0].body)
    folder.chmod(0o755)
    with serving_files(folder, tmp_path_factory.mktemp("nginx")) as url:
        yield Resource.at(f"{url}/{_FILE}")


def test_there_are_enough_cases_and_each_has_a_name() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.why for case in CASES if case.nginx)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Case, ours: list[Resource], nginxs: Resource) -> None:
    for resource in ours:
        allowed = [resource.filled(text) for text in case.allowed]
        for _ in range(2):  # read from storage or rendered, then from memory
            assert resource.answer(case) == allowed[0], f"RFC 9110, {case.clause}: {allowed}"
    allowed = [nginxs.filled(text) for text in case.allowed]
    answer = nginxs.answer(case)
    if case.nginx is None:
        assert answer in allowed, f"nginx; RFC 9110, {case.clause}"
    else:
        assert answer == nginxs.filled(case.nginx), f"nginx deviates otherwise: {case.why}"
        assert answer not in allowed
