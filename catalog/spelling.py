"""Which words there are, and which of them somebody may have meant who typed one that there is not.

A word of four to six letters may have one mistake, a longer one two: a letter too many, too few,
another one, or two in the wrong order. Candidates share trigrams with what was typed (FTS5's
trigram index on SQLite, pg_trgm on PostgreSQL).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, literal, select, text, union_all

from catalog.engine import Tx
from catalog.schema import search_words
from catalog.words import LAST_LETTER

_SHORTEST = 4  # letters; what is shorter is meant as it is typed
_TWO_MISTAKES = 7  # letters from which on there may be two
_MOST_CANDIDATES = 100
_MOST_TRIGRAMS = 12
_MOST_MEANT = 3
# What a candidate was found for: the number of a word, or this: two letters in another order.
_SWAPPED = -1
_ALIKE_IN_POSTGRESQL = (
    "SELECT {at} AS at, word FROM (SELECT word FROM search_spelling WHERE word % :word{at} "
    "ORDER BY similarity(word, :word{at}) DESC, word LIMIT :most) AS alike{at}"
)
_ALIKE_IN_SQLITE = (
    "SELECT {at} AS at, word FROM (SELECT number, count(*) AS shared FROM ({each}) GROUP BY number "
    "ORDER BY shared DESC, number LIMIT :most) AS best{at} "
    "JOIN search_words ON search_words.number = best{at}.number"
)


async def known(
    tx: Tx, words: Collection[str], beginning: str | None, most: int
) -> tuple[frozenset[str], frozenset[str]]:
    """Which of these words there are; and some of those that begin so, the shortest."""
    asked: list[Select[Any]] = []
    column = search_words.c.word
    if words:
        asked.append(select(literal(0), column).where(column.in_(words)))
    if beginning is not None:
        begins = select(column).where(column >= beginning, column <= beginning + LAST_LETTER)
        if most > 1:
            begins = begins.order_by(func.length(column))
        some = begins.limit(most).subquery()
        asked.append(select(literal(1), some.c.word))
    if not asked:
        return frozenset(), frozenset()
    found: tuple[set[str], set[str]] = set(), set()
    for row in await tx.execute(union_all(*asked)):
        found[row[0]].add(row[1])
    return frozenset(found[0]), frozenset(found[1])


async def meant(tx: Tx, words: Collection[str]) -> Mapping[str, frozenset[str]]:
    """The known words nearest to each of these; of a word that is too short none."""
    doubted = [one for one in words if _allowed(one)]
    if not doubted:
        return {}
    candidates: defaultdict[int, set[str]] = defaultdict(set)
    for at, word in await _candidates(tx, doubted):
        candidates[at].add(word)
    return {
        one: frozenset(_nearest(one, candidates[at] | candidates[_SWAPPED]))
        for at, one in enumerate(doubted)
    }


def _allowed(word: str) -> int:
    """How many mistakes there may be in a word."""
    return 0 if len(word) < _SHORTEST else 1 if len(word) < _TWO_MISTAKES else 2


def _nearest(word: str, candidates: Collection[str]) -> list[str]:
    most = _allowed(word)
    near = ((distance(word, one, most), one) for one in candidates if one != word)
    return [one for far, one in sorted(near) if far <= most][:_MOST_MEANT]


def distance(one: str, other: str, most: int) -> int:
    """How many mistakes there are between two words (Damerau, each letter touched once).

    Of more than `most` it is only said that there are more.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(above) >= most:  # two swapped letters go on from the row above
            return most + 1
        before, above = above, row
    return above[-1]


async def _candidates(tx: Tx, words: Sequence[str]) -> Sequence[tuple[int, str]]:
    """In one statement, however many words; each candidate with the number of the word."""
    values: dict[str, object] = {"most": _MOST_CANDIDATES}
    swapped = sorted({each for one in words for each in _swapped(one)})
    if tx.dialect.name == "postgresql":
        parts = [_ALIKE_IN_POSTGRESQL.format(at=at) for at in range(len(words))]
        values |= {f"word{at}": one for at, one in enumerate(words)} | {"swapped": swapped}
        some = "= ANY(:swapped)"
    else:
        parts = []
        for at, one in enumerate(words):
            named = {f"t{at}_{n}": f'"{each}"' for n, each in enumerate(_trigrams(one))}
            each = " UNION ALL ".join(
                f"SELECT rowid AS number FROM search_spelling WHERE search_spelling MATCH :{name}"  # noqa: S608 - a name of ours
                for name in named
            )
            parts.append(_ALIKE_IN_SQLITE.format(at=at, each=each))
            values |= named
        values["swapped"] = json.dumps(swapped)
        some = "IN (SELECT value FROM json_each(:swapped))"
    parts.append(f"SELECT {_SWAPPED}, word FROM search_words WHERE word {some}")  # noqa: S608 - as above
    rows = await tx.execute(text(" UNION ALL ".join(parts)), values)
    return [(at, word) for at, word in rows]


def _trigrams(word: str) -> list[str]:
    padded = f"##{word}#"
    # Of a longer word the beginning alone says little, and is shared by too many.
    first = 1 if len(word) > _SHORTEST else 0
    return [padded[at : at + 3] for at in range(first, len(padded) - 2)][:_MOST_TRIGRAMS]


def _swapped(word: str) -> Iterator[str]:
    """With two letters in another order, and without one that may be too many."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
