"""Writes docs/check.md from the inspector's rules: `scripts/docs` runs it, a test compares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from packager.check import Severity
from packager.check.inspection import FETCH, KIND, PLAIN
from packager.check.rules import (
    across,
    boxes,
    dash,
    encryption,
    hls,
    hls_media,
    samples,
    segments,
    timing,
)

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "check.md"

_HEAD = """# What `headwater check` looks at

<!-- Written by `scripts/docs` from packager/check/rules: change those, not this page. -->

`headwater check FILE|FOLDER|URL` inspects anybody's audio package: it follows a manifest to all
that it names, lets every rule look, and prints each finding with its place, its clause and what to
do. With `--key KID:KEY` it decrypts the samples and looks at the coded frames. An error breaks
players or a specification, a warning is heard or seen by some, a note is for information. The exit
status is 0 without errors, 1 with errors, 2 for wrong usage.

A rule may find less than its worst: the column says the worst. *Answers* names what users of other
packagers reported. Each rule has a test that plants its defect (tests/packager/check).
"""


class Rule(Protocol):
    """What the page tells of a rule of any kind."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def severity(self) -> Severity:
        """The worst it finds."""
        ...

    @property
    def clause(self) -> str:
        """Where it is written."""
        ...

    @property
    def answers(self) -> str:
        """Who reported it."""
        ...

    @property
    def title(self) -> str:
        """What has to be so."""
        ...


_SECTIONS: Sequence[tuple[str, Sequence[Sequence[Rule]]]] = (
    ("Files", ((FETCH, KIND, PLAIN), boxes.FILE.all)),
    ("Boxes", (boxes.RULES.all,)),
    ("Times and gapless playback", (timing.RULES.all,)),
    ("Encryption", (encryption.RULES.all,)),
    ("Coded frames", (samples.RULES.all,)),
    ("Segments", (segments.RULES.all,)),
    ("HLS", (hls_media.MEDIA.all, hls.PACKAGE.all)),
    ("DASH", (dash.RULES.all,)),
    ("Renditions beside each other", (across.SETS.all, across.EVERYTHING.all)),
)


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for title, groups in _SECTIONS:
        yield f"\n## {title}\n\n| rule | | what has to be so | clause | answers |\n"
        yield "|---|---|---|---|---|\n"
        for rule in (rule for group in groups for rule in group):
            yield (
                f"| {rule.id} | {rule.severity.value} | {rule.title} "
                f"| {rule.clause} | {rule.answers} |\n"
            )


if __name__ == "__main__":
    PAGE.write_text(page())
    print("wrote docs/check.md")
