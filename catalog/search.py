"""Finding tracks, releases and artists by what somebody types.

Every word must be there, in the title, the artists, the album or the rest; the last one may be the
beginning of a word. Of those that have them all, a hundred of the most popular ones are looked at,
and some that are called so or begin so; they are ranked by where the words are and by popularity.
Words that are not known are taken for those they are near to. An ISRC or a UPC, or its beginning,
finds what it names.

However many match, a query looks at a few hundred entries: see the migration of `search_index`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row, TextClause, func, select, text

from catalog import spelling
from catalog.engine import Tx
from catalog.folding import fold
from catalog.schema import releases, search_words, tracks
from catalog.search_entries import Kind, is_kept
from catalog.words import asked, is_unspaced

MOST_WORDS = 10  # of a query; what is more is left out
_CANDIDATES = 100  # of a kind
_NAMED_SO = 20
_INDEXED = 3  # letters of a beginning that SQLite's index has as one (migration 11)
_MOST_ENDINGS = 64
_ENOUGH = 20
_BY_NUMBER = 100.0  # a score above all others
_FEW = 5  # with fewer found, the spelling of known words is doubted, too
_POPULARITY = 0.1  # of a score: twice as many plays, against 3 for a word in the title
_LAST_LETTER = "\U0010ffff"
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{0,7}", re.ASCII)
_UPC = re.compile(r"[0-9]{5,14}", re.ASCII)

_COLUMNS = "e.kind, e.item_id, e.title, e.artists, e.album, e.other, e.weight"
# What is in the way of a name, however unpopular it is: called so, or beginning so.
_NAMED = {
    Kind.TRACK: "SELECT track_id AS item_id FROM tracks WHERE folded_title >= :name "
    "AND folded_title < :name_end ORDER BY folded_title",
    Kind.RELEASE: "SELECT release_id AS item_id FROM releases WHERE folded_title >= :name "
    "AND folded_title < :name_end ORDER BY folded_title",
    Kind.ARTIST: "SELECT CAST(artist_id AS text) AS item_id FROM artists WHERE folded >= :name "
    "AND folded < :name_end ORDER BY folded",
}
_IN_SQLITE = (
    "SELECT rowid & 0xffffffffffff AS entry_id FROM search_index WHERE search_index MATCH :query "
    "AND rowid >= {first} AND rowid < {last} ORDER BY rowid LIMIT :most"
)
_IN_POSTGRESQL = (
    "SELECT entry_id FROM search_index WHERE words @@ CAST(:query AS tsquery) AND kind = {kind} "
    "{some}ORDER BY weight DESC, entry_id LIMIT :most"
)
# On PostgreSQL, where an index finds in no order: what is popular; some of the others besides; all.
# Each is asked for where the one before had too few, and has an index (migrations 11 and 14).
_TIERS = ("AND weight >= 10 ", "AND hot ", "")


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was found, and how well it fits."""

    kind: Kind
    item_id: str
    score: float


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that is looked for: any of these, or what begins so."""

    typed: str
    meant: frozenset[str]
    is_beginning: bool

    def fit(self, words: Sequence[str]) -> float:
        """How well one of an entry's words fits, 0 to 1."""
        if self.typed in words:
            return 1.0
        best = 0.5 if not self.meant.isdisjoint(words) else 0.0
        if self.is_beginning:
            lengths = [len(one) for one in words if one.startswith(self.typed)]
            if lengths:
                best = max(best, 0.5 + 0.5 * len(self.typed) / min(lengths))
        return best


async def search(
    tx: Tx, query: str, kinds: Sequence[Kind], *, limit: int
) -> dict[Kind, tuple[Found, ...]]:
    """Find what fits best of each kind, the best first.

    Whether listeners may have it now is not looked at.
    """
    found = {kind: await _by_number(tx, query, kind) for kind in kinds}
    typed = asked(query)[:MOST_WORDS]
    if typed:
        last = not query[-1:].isspace()  # whoever types a space has ended the word
        words = [
            _Word(one, frozenset(), is_beginning=last and at == len(typed) and not is_unspaced(one))
            for at, one in enumerate(typed, 1)
        ]
        _add(found, await _ranked(tx, kinds, words, query))
        count = sum(map(len, found.values()))
        if count < _FEW:
            doubted = await _doubted(tx, words, every=not count)
            if doubted != words:
                _add(found, await _ranked(tx, kinds, doubted, query))
    return {kind: tuple(of_kind)[:limit] for kind, of_kind in found.items()}


def _add(found: Mapping[Kind, list[Found]], more: Iterable[Found]) -> None:
    known = {(one.kind, one.item_id) for of_kind in found.values() for one in of_kind}
    for one in more:
        if (one.kind, one.item_id) not in known:
            found[one.kind].append(one)


async def _ranked(tx: Tx, kinds: Sequence[Kind], words: Sequence[_Word], query: str) -> list[Found]:
    """Candidates and their scores, the best first."""
    whole = asked(query)
    rows = await _candidates(tx, kinds, words, fold(query))
    entries = {(Kind(row.kind), row.item_id): row for row in rows}
    scored = {key: _score(row, words, whole) for key, row in entries.items()}
    best = sorted(scored.items(), key=lambda one: (-one[1], one[0]))
    return [Found(*key, round(score, 3)) for key, score in best if score > 0]


async def _candidates(
    tx: Tx, kinds: Sequence[Kind], words: Sequence[_Word], name: str
) -> list[Row[Any]]:
    """The most popular entries of each kind that have all words, and some that are called so."""
    values: dict[str, object] = {"most": _CANDIDATES, "name": name, "name_end": name + _LAST_LETTER}
    dialect = tx.dialect.name
    if dialect == "sqlite":
        return await _on_sqlite(tx, _statement(dialect, tuple(kinds), is_first=True), words, values)
    values["query"] = " & ".join(map(_tsquery, words))
    found: list[Row[Any]] = []
    left = tuple(kinds)
    for tier in _TIERS:
        is_first = tier == _TIERS[0]
        more = [*await tx.execute(_statement(dialect, left, tier, is_first=is_first), values)]
        found += more
        if not found and not await _may_match(tx, words):
            break
        counted = Counter(row.kind for row in more)
        left = tuple(kind for kind in left if counted[kind] < _CANDIDATES)
        if not left:
            break
    return found


async def _on_sqlite(
    tx: Tx, statement: TextClause, words: Sequence[_Word], values: Mapping[str, object]
) -> list[Row[Any]]:
    """Find by words, in the order of popularity.

    Of a longer beginning FTS5 would read all that it finds, not only the first ones: so known words
    that begin so are asked for, and the beginning itself only where they find little.
    """
    last = words[-1]
    if last.is_beginning and len(last.typed) > _INDEXED:
        known = select(search_words.c.word).where(
            search_words.c.word >= last.typed, search_words.c.word <= last.typed + _LAST_LETTER
        )
        shortest = known.order_by(func.length(search_words.c.word)).limit(_MOST_ENDINGS)
        meant = last.meant.union((await tx.execute(shortest)).scalars())
        spelled = [*words[:-1], _Word(last.typed, meant, is_beginning=False)]
        query = " AND ".join(map(_match, spelled))
        found = [*await tx.execute(statement, {**values, "query": query})]
        if len(found) >= _ENOUGH:
            return found
    query = " AND ".join(map(_match, words))
    return [*await tx.execute(statement, {**values, "query": query})]


@cache
def _statement(
    dialect: str, kinds: tuple[Kind, ...], tier: str = "", *, is_first: bool
) -> TextClause:
    """One statement for all kinds: each costs a way to the database and back."""
    parts = []
    for kind in kinds:
        if dialect == "sqlite":
            matching = _IN_SQLITE.format(first=kind << 56, last=(kind + 1) << 56)
        else:
            matching = _IN_POSTGRESQL.format(kind=kind.value, some=tier)
        parts.append(
            f"SELECT {_COLUMNS} FROM ({matching}) AS f{kind} "  # noqa: S608 - names of ours
            f"JOIN search_entries e ON e.entry_id = f{kind}.entry_id"
        )
        if is_first:
            parts.append(
                f"SELECT {_COLUMNS} FROM ({_NAMED[kind]} LIMIT {_NAMED_SO}) AS n{kind} "  # noqa: S608 - as above
                f"JOIN search_entries e ON e.kind = {kind.value} AND e.item_id = n{kind}.item_id"
            )
    return text(" UNION ALL ".join(parts))


def _match(word: _Word) -> str:
    """In the language of FTS5. Words have no quotation marks."""
    typed = f'"{word.typed}"' + ("*" if word.is_beginning else "")
    return "(" + " OR ".join([typed, *(f'"{one}"' for one in sorted(word.meant))]) + ")"


def _tsquery(word: _Word) -> str:
    """In PostgreSQL's; words have no apostrophes and no backslashes."""
    typed = f"'{word.typed}'" + (":*" if word.is_beginning else "")
    return "(" + " | ".join([typed, *(f"'{one}'" for one in sorted(word.meant))]) + ")"


async def _by_number(tx: Tx, query: str, kind: Kind) -> list[Found]:
    """What has an ISRC or a UPC that begins so."""
    number = re.sub(r"[\s-]", "", query).upper()
    if kind is Kind.TRACK and _ISRC.fullmatch(number):
        last = number.ljust(12, "Z")
        found = select(tracks.c.track_id).where(tracks.c.isrc >= number, tracks.c.isrc <= last)
        order = tracks.c.isrc
    elif kind is Kind.RELEASE and _UPC.fullmatch(number):
        last = number.ljust(14, "9")
        found = select(releases.c.release_id).where(
            releases.c.upc >= number, releases.c.upc <= last
        )
        order = releases.c.upc
    else:
        return []
    ids = (await tx.execute(found.order_by(order).limit(_NAMED_SO))).scalars()
    return [Found(kind, one, _BY_NUMBER) for one in ids]


def _score(row: Row[Any], words: Sequence[_Word], whole: Sequence[str]) -> float:
    """How well an entry fits: 0 where a word is not in it at all."""
    title = row.title.split()
    fields = ((3.0, title), (2.0, row.artists.split()), (1.0, f"{row.album} {row.other}".split()))
    total = 0.0
    for word in words:
        best = 0.0
        for worth, field in fields:
            if best >= worth:  # what follows cannot be better
                break
            best = max(best, worth * word.fit(field))
        if not best:
            return 0.0
        total += best
    score = total / len(words)
    if title[: len(whole)] == list(whole):
        score += 2.0 if len(title) == len(whole) else 0.5
    weight: int = row.weight
    return score - 0.02 * len(title) + _POPULARITY * weight


async def _doubted(tx: Tx, words: Sequence[_Word], *, every: bool) -> list[_Word]:
    """The same words, with those that were perhaps meant by the ones that are not known."""
    return [
        one
        if not every and await _is_known(tx, one)
        else _Word(
            one.typed, frozenset(await spelling.meant(tx, one.typed)), is_beginning=one.is_beginning
        )
        for one in words
    ]


async def _may_match(tx: Tx, words: Sequence[_Word]) -> bool:
    """Whether all whole words are ones that some entry has: those that are kept for spelling."""
    whole = {one.typed for one in words if not one.is_beginning and not one.meant}
    kept = set(filter(is_kept, whole))
    known = select(func.count()).where(search_words.c.word.in_(kept))
    return not kept or (await tx.execute(known)).scalar_one() == len(kept)


async def _is_known(tx: Tx, word: _Word) -> bool:
    known = select(search_words.c.word).where(search_words.c.word >= word.typed)
    end = word.typed + _LAST_LETTER if word.is_beginning else word.typed
    found = await tx.execute(known.where(search_words.c.word <= end).limit(1))
    return found.first() is not None
