from __future__ import annotations

from scripts.check_page import PAGE, page


def test_the_page_of_the_inspector_is_current() -> None:
    assert PAGE.read_text() == page(), "run scripts/docs"


def test_every_rule_says_what_has_to_be_so() -> None:
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| ")]

    assert len(rows) > 80
    assert all(row[2].endswith(".") for row in rows if row[0] != "| rule")
