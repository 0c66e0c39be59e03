"""Text as the words that search compares. Pure.

"AC/DC" is found as "ac dc" and as "acdc", "Don't" as "dont". What is written without spaces
(Chinese, Japanese, Korean) becomes its letters and each two of them that follow each other, so that
any part of a name finds it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from catalog.folding import fold

LAST_LETTER = "\U0010ffff"  # what begins with a word is no further than the word and this
_LONGEST_WORD = 40  # letters; what is longer is cut, on both sides alike
_MOST_WORDS = 64  # of one text
# Ideographs, kana, hangul, and what extends them.
_UNSPACED = re.compile(
    "[\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
_SILENT = str.maketrans(dict.fromkeys("'`\u00b4"))


def indexed(text: str) -> tuple[str, ...]:
    """The words that a text can be found by, each once."""
    found = (word for piece in _pieces(text) for word in _forms(piece))
    return tuple(dict.fromkeys(found))[:_MOST_WORDS]


def asked(text: str) -> tuple[str, ...]:
    """The words that somebody looks for, all of which must be there, each once."""
    found = (
        word for piece in _pieces(text) for part in _parts(piece) for word in _looked_for(part)
    )
    return tuple(dict.fromkeys(found))[:_MOST_WORDS]


def is_unspaced(word: str) -> bool:
    """Whether it is of a script without spaces: its words have no beginnings to look for."""
    return _UNSPACED.match(word) is not None


def _pieces(text: str) -> Iterator[str]:
    yield from fold(text).translate(_SILENT).split()


def _parts(piece: str) -> list[str]:
    """Runs of letters, marks and digits."""
    spaced = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in piece)
    return [one[:_LONGEST_WORD] for one in spaced.split()]


def _forms(piece: str) -> Iterator[str]:
    parts = _parts(piece)
    for part in parts:
        for run, unspaced in _runs(part):
            if unspaced:
                yield from run
                yield from (run[at : at + 2] for at in range(len(run) - 1))
            else:
                yield run
    if len(parts) > 1:
        yield "".join(parts)[:_LONGEST_WORD]


def _looked_for(part: str) -> Iterator[str]:
    for run, unspaced in _runs(part):
        if unspaced and len(run) > 1:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run


def _runs(part: str) -> Iterator[tuple[str, bool]]:
    """Stretches of one kind, and whether it is one that is written without spaces."""
    at = 0
    for found in _UNSPACED.finditer(part):
        if found.start() > at:
            yield part[at : found.start()], False
        yield found[0], True
        at = found.end()
    if at < len(part):
        yield part[at:], False
