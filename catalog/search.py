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
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import TextClause, select, text

from catalog import spelling
from catalog.engine import Tx
from catalog.folding import fold
from catalog.schema import releases, tracks
from catalog.search_entries import Kind, is_kept
from catalog.words import LAST_LETTER, asked, is_unspaced

MOST_WORDS = 10  # of a query; what is more is left out
_CANDIDATES = 100  # of a kind
_NAMED_SO = 20
_INDEXED = 3  # letters of a beginning that SQLite's index has as one (migration 11)
_MOST_ENDINGS = 64
_ENOUGH = 20
_BY_NUMBER = 100.0  # a score above all others
_POPULARITY = 0.1  # of a score: twice as many plays, against 3 for a word in the title
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{0,7}", re.ASCII)
_UPC = re.compile(r"[0-9]{5,14}", re.ASCII)

_Row = Sequence[Any]  # these columns, in this order
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
# Each has an index (migrations 11 and 14), and is asked where the one before has not found enough.
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
    is_beginning: bool
    endings: frozenset[str] = frozenset()  # of the beginning: the shortest words, on SQLite
    meant: frozenset[str] = frozenset()

    def fit(self, words: str) -> float:
        """How well one of an entry's words, with a space before and after each, fits, 0 to 1."""
        if f" {self.typed} " in words:
            return 1.0
        best = 0.5 if any(f" {one} " in words for one in self.meant) else 0.0
        if self.is_beginning and f" {self.typed}" in words:
            lengths = (len(one) for one in words.split() if one.startswith(self.typed))
            best = max(best, 0.5 + 0.5 * len(self.typed) / min(lengths))
        return best


async def search(
    tx: Tx, query: str, kinds: Sequence[Kind], *, limit: int
) -> dict[Kind, tuple[Found, ...]]:
    """Find what fits best of each kind, the best first.

    Whether listeners may have it now is not looked at.
    """
    found = {kind: await _by_number(tx, query, kind) for kind in kinds}
    if typed := asked(query)[:MOST_WORDS]:
        last = not query[-1:].isspace()  # whoever types a space has ended the word
        words = [
            _Word(one, is_beginning=last and at == len(typed) and not is_unspaced(one))
            for at, one in enumerate(typed, 1)
        ]
        async for ranked in _attempts(tx, kinds, words, query, limit):
            _add(found, ranked)
            if any(found.values()):
                break
    return {kind: tuple(of_kind)[:limit] for kind, of_kind in found.items()}


async def _attempts(
    tx: Tx, kinds: Sequence[Kind], words: Sequence[_Word], query: str, enough: int
) -> AsyncIterator[list[Found]]:
    """What has the words as they were typed, but for unknown ones; then what has near ones."""
    words, unknown = await _known(tx, words)
    words = await _doubted(tx, words, unknown)
    if any(one.typed in unknown and not one.meant for one in words):
        return
    yield await _ranked(tx, kinds, words, query, enough)
    known = {one.typed for one in words if is_kept(one.typed)}.difference(unknown)
    doubted = await _doubted(tx, words, known)
    if doubted != words:
        yield await _ranked(tx, kinds, doubted, query, enough)


def _add(found: Mapping[Kind, list[Found]], more: Iterable[Found]) -> None:
    known = {(one.kind, one.item_id) for of_kind in found.values() for one in of_kind}
    for one in more:
        if (one.kind, one.item_id) not in known:
            found[one.kind].append(one)


async def _ranked(
    tx: Tx, kinds: Sequence[Kind], words: Sequence[_Word], query: str, enough: int
) -> list[Found]:
    """Candidates and their scores, the best first."""
    whole = " ".join(asked(query)) + " "
    rows = await _candidates(tx, kinds, words, fold(query), enough)
    scored = {(row[0], row[1]): _score(row, words, whole) for row in rows}
    best = sorted((-score, *key) for key, score in scored.items() if score > 0)
    return [Found(Kind(kind), item_id, round(-score, 3)) for score, kind, item_id in best]


async def _candidates(
    tx: Tx, kinds: Sequence[Kind], words: Sequence[_Word], name: str, enough: int
) -> list[_Row]:
    """The most popular entries of each kind that have all words, and some that are called so.

    On PostgreSQL at least `enough` of a kind, where there are so many.
    """
    values: dict[str, object] = {"most": _CANDIDATES, "name": name, "name_end": name + LAST_LETTER}
    dialect = tx.dialect.name
    if dialect == "sqlite":
        return await _on_sqlite(tx, _statement(dialect, tuple(kinds), is_first=True), words, values)
    values["query"] = " & ".join(map(_tsquery, words))
    found: list[_Row] = []
    left = tuple(kinds)
    for tier in _TIERS:
        is_first = tier == _TIERS[0]
        more = [*await tx.execute(_statement(dialect, left, tier, is_first=is_first), values)]
        found += more
        counted = Counter(row[0] for row in more)
        left = tuple(kind for kind in left if counted[kind] < min(enough, _CANDIDATES))
        if not left:
            break
    return found


async def _on_sqlite(
    tx: Tx, statement: TextClause, words: Sequence[_Word], values: Mapping[str, object]
) -> list[_Row]:
    """Find by words, in the order of popularity.

    Of a longer beginning FTS5 would read all that it finds, not only the first ones: so known words
    that begin so are asked for, and the beginning itself only where they find little.
    """
    last = words[-1]
    if last.endings:
        spelled = replace(last, meant=last.meant | last.endings, is_beginning=False)
        query = " AND ".join(map(_match, [*words[:-1], spelled]))
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


def _score(row: _Row, words: Sequence[_Word], whole: str) -> float:
    """How well an entry fits: 0 where a word is not in it at all. It is done for hundreds."""
    _, _, title, artists, album, other, weight = row
    fields = ((3.0, f" {title} "), (2.0, f" {artists} "), (1.0, f" {album} {other} "))
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
    if f"{title} ".startswith(whole):
        score += 2.0 if len(title) < len(whole) else 0.5
    return score - 0.02 * len(title.split()) + _POPULARITY * int(weight)


async def _known(tx: Tx, words: Sequence[_Word]) -> tuple[list[_Word], frozenset[str]]:
    """The same words, the last one with what begins so; and those that no entry has.

    What is not kept for spelling, and the beginning of a word that many have, is not looked for.
    """
    *_, last = words
    begins = last.is_beginning and len(last.typed) > _INDEXED and is_kept(last.typed)
    whole = {one.typed for one in words if not one.is_beginning and is_kept(one.typed)}
    most = _MOST_ENDINGS if tx.dialect.name == "sqlite" else 1
    there, endings = await spelling.known(tx, whole, last.typed if begins else None, most)
    unknown = whole - there
    if begins and not endings:
        unknown |= {last.typed}
    return [*words[:-1], replace(last, endings=endings)], frozenset(unknown)


async def _doubted(tx: Tx, words: Sequence[_Word], which: Collection[str]) -> list[_Word]:
    """The same words, and for some of them the ones that were perhaps meant."""
    meant = await spelling.meant(tx, which)
    return [replace(one, meant=meant.get(one.typed, one.meant)) for one in words]
