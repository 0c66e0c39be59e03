"""The papers stay true: pages made from code are current, every command is described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from configs.settings import Settings
from pipeline.cli import main
from scripts.settings_page import PAGE, SOURCE, page, settings

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)\s]*)?\)")


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The full names of all commands below and including this one, groups left out."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from commands(child, (*path, name))


COMMANDS = [" ".join(path) for path in commands(main, ("headwater",))]


def test_the_settings_page_is_current() -> None:
    assert PAGE.read_text() == page(SOURCE.read_text()), "run scripts/docs"


def test_the_settings_page_has_every_setting() -> None:
    listed = {one.path for one in settings(SOURCE.read_text()) if one.value is not None}
    known: set[tuple[str, ...]] = set()
    for name, field in Settings.model_fields.items():
        section = field.annotation
        inner = getattr(section, "model_fields", None)
        known |= {(name, key) for key in inner} if inner else {(name,)}
    assert listed == known


def test_every_setting_is_explained() -> None:
    assert all(one.meaning for one in settings(SOURCE.read_text()))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_described_with_an_example(command: str) -> None:
    text = (ROOT / "docs" / "cli.md").read_text()
    assert f"## `{command}`" in text
    section = text.partition(f"## `{command}`")[2].partition("\n## ")[0]
    assert re.search(rf"^{command}\b", section, re.MULTILINE), "no example"


def called(line: str) -> tuple[click.Command, list[str]] | None:
    """The command of ours that a line calls, and what it is given; None where it calls none."""
    found: click.Command = main
    words = line.split()
    while isinstance(found, click.Group):
        while words and words[0].startswith("--"):  # --home PATH, before the command
            del words[:2]
        below = found.get_command(click.Context(found), words[0]) if words else None
        if below is None:
            assert not (words and words[0].isalpha()), f"there is no headwater {line}"
            return None
        found = below
        del words[0]
    return found, words


def test_the_papers_call_only_commands_and_options_that_there_are() -> None:
    """In lines of their own, in backquotes, and in $( )."""
    calls = re.compile(r"(?:^\s*|`|\$\()headwater ([^`\n|;)#>]+)", re.MULTILINE)
    for path in DOCS:
        for line in calls.findall(path.read_text()):
            if (found := called(line)) is None:
                continue
            command, words = found
            known = {
                one for param in command.params for one in (*param.opts, *param.secondary_opts)
            }
            given = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert given <= known | {"--help"}, f"{path.name}: headwater {line}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_papers_name_only_files_that_exist() -> None:
    """A path in backquotes that starts with one of our folders is a file or a folder."""
    ours = r"catalog|configs|docs|drm|origin|packager|pipeline|scripts|storage|tests"
    named = re.compile(rf"`((?:{ours})/[\w./-]*\w)`")
    missing = [
        f"{path.name}: {name}"
        for path in DOCS
        for name in named.findall(path.read_text())
        if not (ROOT / name).exists()
    ]
    assert missing == []
