"""Which known words somebody may have meant who typed one that is not known.

A word of four to six letters may have one mistake, a longer one two: a letter too many, too few,
another one, or two in the wrong order. Candidates share trigrams with what was typed (FTS5's
trigram index on SQLite, pg_trgm on PostgreSQL).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, text

from catalog.engine import Tx
from catalog.schema import search_words

_SHORTEST = 4  # letters; what is shorter is meant as it is typed
_TWO_MISTAKES = 7  # letters from which on there may be two
_MOST_CANDIDATES = 100
_MOST_TRIGRAMS = 12
_MOST_MEANT = 3
# Two letters of four in another order share no trigram but the first; so little must be enough.
_THRESHOLD = text("SET LOCAL pg_trgm.similarity_threshold = 0.2")
_ALIKE = text(
    "SELECT word FROM search_spelling WHERE word % :word "
    "ORDER BY similarity(word, :word) DESC, word LIMIT :most"
)


async def meant(tx: Tx, word: str) -> tuple[str, ...]:
    """The known words nearest to one, the best first; none for a word that is too short."""
    allowed = 0 if len(word) < _SHORTEST else 1 if len(word) < _TWO_MISTAKES else 2
    if not allowed:
        return ()
    candidates = {*await _alike(tx, word), *await _swapped(tx, word)} - {word}
    near = [(distance(word, one), one) for one in candidates]
    return tuple(one for far, one in sorted(near) if far <= allowed)[:_MOST_MEANT]


def distance(one: str, other: str) -> int:
    """How many mistakes there are between two words (Damerau, each letter touched once)."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


async def _alike(tx: Tx, word: str) -> Sequence[str]:
    if tx.dialect.name == "postgresql":
        await tx.execute(_THRESHOLD)
        found = await tx.execute(_ALIKE, {"word": word, "most": _MOST_CANDIDATES})
        return found.scalars().all()
    padded = f"##{word}#"
    # Of a longer word the beginning alone says little, and is shared by too many.
    first = 1 if len(word) > _SHORTEST else 0
    trigrams = [padded[at : at + 3] for at in range(first, len(padded) - 2)][:_MOST_TRIGRAMS]
    each = " UNION ALL ".join(
        f"SELECT rowid AS number FROM search_spelling WHERE search_spelling MATCH :t{at}"  # noqa: S608 - a number of ours
        for at in range(len(trigrams))
    )
    shared = text(
        f"SELECT word FROM (SELECT number, count(*) AS shared FROM ({each}) GROUP BY number "  # noqa: S608 - names of our own
        "ORDER BY shared DESC, number LIMIT :most) AS best "
        "JOIN search_words ON search_words.number = best.number"
    )
    values = {f"t{at}": f'"{one}"' for at, one in enumerate(trigrams)}
    found = await tx.execute(shared, {**values, "most": _MOST_CANDIDATES})
    return found.scalars().all()


async def _swapped(tx: Tx, word: str) -> Sequence[str]:
    """Known words that differ in the order of two letters, or in one that is too many."""
    swapped = {
        word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)
    } | {word[:at] + word[at + 1 :] for at in range(len(word))}
    query = select(search_words.c.word).where(
        search_words.c.word.in_(bindparam("words", expanding=True))
    )
    return (await tx.execute(query, {"words": sorted(swapped)})).scalars().all()
