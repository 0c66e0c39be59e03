"""Which player plays what: the table of docs/players.md, and why a cell of it is empty."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

CODECS = ("aac", "opus", "flac")
SCHEMES = ("clear", "cenc", "cbcs")
AES_128 = "aes-128"
NAMES = {"aac": "AAC", "opus": "Opus", "flac": "FLAC"}


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A player with one form of manifest; `engine` is the page's name for the player."""

    player: str
    engine: str
    form: str  # as in the manifest's path


ROWS = (
    Row("Shaka Player", "shaka-dash", "dash"),
    Row("Shaka Player", "shaka-hls", "hls"),
    Row("Shaka Player", "shaka-hls", "hls-identity"),
    Row("Shaka Player", "shaka-hls", "hls-aes128"),
    Row("dash.js", "dash", "dash"),
    Row("hls.js", "hls", "hls"),
    Row("hls.js", "hls", "hls-identity"),
    Row("hls.js", "hls", "hls-aes128"),
)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One manifest for one player."""

    row: Row
    codec: str
    scheme: str
    segments: bool = False  # a URL for each segment instead of ranges

    @property
    def name(self) -> str:
        """For reports."""
        form = f"{self.row.form}{'-segments' if self.segments else ''}"
        return f"{self.row.engine}/{form}/{self.codec}/{self.scheme}"


NOT_MADE = "Opus gets no second file: [ADR 11](adr/0011-aes-128-second-files.md)."
NO_IDENTITY = (
    "hls.js 1.7 decrypts samples of fMP4 by EME only, for which `identity` names no key system. "
    "The form `hls` is made for it."
)


def schemes_of(row: Row) -> tuple[str, ...]:
    """What a form can be encrypted with. In the clear all forms of HLS are the same."""
    if row.form == "hls-aes128":
        return (AES_128,)
    return SCHEMES[1:] if row.form == "hls-identity" else SCHEMES


def hole(cell: Cell) -> str | None:
    """Why a cell does not play; None where it does.

    A hole that begins to play fails the test, so that the page stays true.
    """
    if cell.row.player == "hls.js" and cell.row.form == "hls-identity":
        return NO_IDENTITY
    if cell.scheme == AES_128 and cell.codec == "opus":
        return NOT_MADE
    return None


def cells() -> list[Cell]:
    """All of the table; the second addressing for AAC only."""
    ranges = [
        Cell(row, codec, scheme)
        for row in ROWS
        for codec, scheme in product(CODECS, schemes_of(row))
    ]
    segments = [
        Cell(row, "aac", scheme, segments=True) for row in ROWS for scheme in schemes_of(row)
    ]
    return ranges + segments


def document() -> str:
    """The table in Markdown, with its footnotes."""
    notes: list[str] = []
    lines = ["| player | form | clear | cenc | cbcs | AES-128 |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        columns = [_column(row, scheme, notes) for scheme in (*SCHEMES, AES_128)]
        lines.append(f"| {row.player} | `{row.form}` | {' | '.join(columns)} |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))]
    return "\n".join(lines)


def _column(row: Row, scheme: str, notes: list[str]) -> str:
    """The codecs that play, and the numbers of the notes on those that do not."""
    if scheme not in schemes_of(row):
        return ""
    holes = {codec: hole(Cell(row, codec, scheme)) for codec in CODECS}
    reasons = dict.fromkeys(reason for reason in holes.values() if reason is not None)
    notes += [reason for reason in reasons if reason not in notes]
    plays = " ".join(NAMES[codec] for codec, reason in holes.items() if reason is None) or "no"
    return " ".join((plays, *(f"({notes.index(reason) + 1})" for reason in reasons)))
