from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.planning.svg import Axis, Line, bars, chart, short
from tests.support.cli_home import Home


class _Strict(HTMLParser):
    """Remembers what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [f"{name}={value}" for name, value in attrs if name in {"src", "href"}]


def test_a_report_is_one_file_with_everything_in_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.html"
    home = Home(tmp_path / "none")
    said = home.run(
        *("plan", "--songs", "20e3", "--daily", "10", "--streams", "100", "--html", str(path))
    )
    assert "Streaming" in said.stdout
    page = _Strict()
    page.feed(path.read_text())
    assert page.loads == []
    assert "script" not in page.tags
    assert path.read_text().count("<svg") == 4
    numbers = re.findall(r'[ "ML](-?[0-9.]+|nan|inf)(?= )', path.read_text())
    assert not {"nan", "inf"} & set(numbers)
    assert not (tmp_path / "none").exists()


def test_the_plan_as_json(tmp_path: Path) -> None:
    found = Home(tmp_path).json("plan", "--songs", "1e6")
    assert found["wanted"]["songs"] == 1_000_000
    assert found["needed"]["storage_bytes"] > 1e13


@pytest.mark.parametrize("songs", ["0", "-1", "many", "1.5", "nan", "1e99"])
def test_numbers_that_are_none(tmp_path: Path, songs: str) -> None:
    Home(tmp_path).run("plan", "--songs", songs, code=2)


def test_assumptions_that_do_not_add_up_are_told(tmp_path: Path) -> None:
    text = (Path("configs") / "planning.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("flac: 0.1", "flac: 0.2"))
    said = Home(tmp_path).run("plan", "--songs", "1", "--assumptions", str(path), code=2).stderr
    assert "adds up to 1.1" in said


def test_text_in_a_plot_is_text() -> None:
    plot = chart("<b>", Axis("<i>", 0, 1), Axis("y", 1, 100, is_log=True), [Line("&", [(0, 1)])])
    assert "<b>" not in plot + bars("<b>", [("<i>", 1.0, "</svg>")]).removesuffix("</svg>")
    assert [short(value) for value in (0.05, 250, 1500, 2e7)] == ["0.05", "250", "1.5k", "20M"]
    assert Axis("x", 0, 5).ticks() == [0, 1, 2, 3, 4, 5]
    assert Axis("x", 0.001, 1, is_log=True).ticks() == [0.001, 0.01, 0.1, 1]
