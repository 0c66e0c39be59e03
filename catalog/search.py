"""Finding tracks, releases and artists by what somebody types.

Every word must be there, in the title, the artists, the album or the rest; the last one may be the
beginning of a word. Of those that have them all, some 200 of the most popular ones are looked at,
and those that are called so or begin so; they are ranked by where the words are and by popularity.
Words that are not known are taken for those they are near to. An ISRC or a UPC, or its beginning,
finds what it names.

However many match, a query looks at a few hundred entries: see the migration of `search_index`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, select, text

from catalog import spelling
from catalog.engine import Tx
from catalog.folding import fold
from catalog.schema import artists, releases, search_entries, search_words, tracks
from catalog.search_entries import Kind
from catalog.words import asked, is_unspaced

MOST_WORDS = 10  # of a query; what is more is left out
_CANDIDATES = 200
_NAMED_SO = 50
_FEW = 5  # with fewer found, the spelling of known words is doubted, too
_POPULARITY = 0.1  # of a score: twice as many plays, against 3 for a word in the title
_LAST_LETTER = "\U0010ffff"
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{0,7}", re.ASCII)
_UPC = re.compile(r"[0-9]{5,14}", re.ASCII)

_SQLITE = text(
    "SELECT rowid & 0xffffffffffff AS entry_id FROM search_index "
    "WHERE search_index MATCH :query AND rowid >= :first AND rowid < :last "
    "ORDER BY rowid LIMIT :most"
)
_POSTGRESQL = {
    (kind, hot): text(
        "SELECT entry_id FROM search_index WHERE words @@ CAST(:query AS tsquery) "  # noqa: S608 - names of ours
        f"AND kind = {kind.value}{' AND hot' if hot else ''} "
        "ORDER BY weight DESC, entry_id LIMIT :most"
    )
    for kind in Kind
    for hot in (True, False)
}


_NAMES = {
    Kind.TRACK: (tracks.c.track_id, tracks.c.folded_title),
    Kind.RELEASE: (releases.c.release_id, releases.c.folded_title),
    Kind.ARTIST: (artists.c.artist_id, artists.c.folded),
}


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
    meant: tuple[str, ...]
    is_beginning: bool

    def fit(self, word: str) -> float:
        """How well a word of an entry fits, 0 to 1."""
        if word == self.typed:
            return 1.0
        if self.is_beginning and word.startswith(self.typed):
            return 0.5 + 0.5 * len(self.typed) / len(word)
        return 0.5 if word in self.meant else 0.0


async def search(tx: Tx, query: str, kind: Kind, *, limit: int) -> tuple[Found, ...]:
    """Find what fits best, the best first. Whether listeners may have it now is not looked at."""
    named = [Found(kind, one, 100.0) for one in await _by_number(tx, query, kind)]
    typed = asked(query)[:MOST_WORDS]
    found: list[Found] = []
    if typed:
        last = not query[-1:].isspace()  # whoever types a space has ended the word
        words = [
            _Word(one, (), is_beginning=last and at == len(typed) and not is_unspaced(one))
            for at, one in enumerate(typed, 1)
        ]
        found = await _ranked(tx, kind, words, query)
        if len(found) < _FEW:
            doubted = await _doubted(tx, words, every=not found)
            if doubted != words:
                known = {one.item_id for one in found}
                more = await _ranked(tx, kind, doubted, query)
                found += [one for one in more if one.item_id not in known]
    by_number = {one.item_id for one in named}
    return tuple([*named, *(one for one in found if one.item_id not in by_number)][:limit])


async def _ranked(tx: Tx, kind: Kind, words: Sequence[_Word], query: str) -> list[Found]:
    """Candidates and their scores, the best first."""
    entries = select(search_entries)
    with_words = search_entries.c.entry_id.in_(await _with_words(tx, kind, words))
    found = [*(await tx.execute(entries.where(with_words))).mappings()]
    named = search_entries.c.item_id.in_(await _named_so(tx, kind, query))
    of_names = (search_entries.c.kind == kind) & named
    found += (await tx.execute(entries.where(of_names))).mappings()
    whole = asked(query)
    scored = {row["item_id"]: _score(row, words, whole) for row in found}
    best = sorted(scored.items(), key=lambda one: (-one[1], one[0]))
    return [Found(kind, item_id, round(score, 3)) for item_id, score in best if score > 0]


async def _with_words(tx: Tx, kind: Kind, words: Sequence[_Word]) -> Sequence[int]:
    """The most popular entries that have all words."""
    if tx.dialect.name == "sqlite":
        values = {"query": " AND ".join(map(_match, words)), "most": _CANDIDATES}
        place = {"first": kind << 56, "last": (kind + 1) << 56}
        return (await tx.execute(_SQLITE, {**values, **place})).scalars().all()
    values = {"query": " & ".join(map(_tsquery, words)), "most": _CANDIDATES}
    found: Sequence[int] = ()
    for hot in (True, False):
        if len(found) < _CANDIDATES:
            found = (await tx.execute(_POSTGRESQL[kind, hot], values)).scalars().all()
    return found


def _match(word: _Word) -> str:
    """In the language of FTS5. Words have no quotation marks."""
    typed = f'"{word.typed}"' + ("*" if word.is_beginning else "")
    return "(" + " OR ".join([typed, *(f'"{one}"' for one in word.meant)]) + ")"


def _tsquery(word: _Word) -> str:
    """In PostgreSQL's; words have no apostrophes and no backslashes."""
    typed = f"'{word.typed}'" + (":*" if word.is_beginning else "")
    return "(" + " | ".join([typed, *(f"'{one}'" for one in word.meant)]) + ")"


async def _named_so(tx: Tx, kind: Kind, query: str) -> Sequence[str]:
    """What is called so, however unpopular, and what begins so."""
    id_, folded = _NAMES[kind]
    name = fold(query)
    if not name:
        return ()
    begins = select(id_).where(folded >= name, folded < name + _LAST_LETTER)
    return [
        str(one) for one in (await tx.execute(begins.order_by(folded).limit(_NAMED_SO))).scalars()
    ]


async def _by_number(tx: Tx, query: str, kind: Kind) -> Sequence[str]:
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
        return ()
    return (await tx.execute(found.order_by(order).limit(_NAMED_SO))).scalars().all()


def _score(row: RowMapping, words: Sequence[_Word], whole: Sequence[str]) -> float:
    """How well an entry fits: 0 where a word is not in it at all."""
    title = row["title"].split()
    fields = (
        (title, 3.0),
        (row["artists"].split(), 2.0),
        (row["album"].split(), 1.0),
        (row["other"].split(), 1.0),
    )
    total = 0.0
    for word in words:
        best = max(
            (worth * max(map(word.fit, field), default=0.0) for field, worth in fields), default=0.0
        )
        if not best:
            return 0.0
        total += best
    score = total / len(words)
    if title[: len(whole)] == list(whole):
        score += 2.0 if len(title) == len(whole) else 0.5
    weight: int = row["weight"]
    return score - 0.02 * len(title) + _POPULARITY * weight


async def _doubted(tx: Tx, words: Sequence[_Word], *, every: bool) -> list[_Word]:
    """The same words, with those that were perhaps meant by the ones that are not known."""
    known = select(search_words.c.word)
    found = []
    for one in words:
        if one.is_beginning:
            known_so = known.where(
                search_words.c.word >= one.typed, search_words.c.word < one.typed + _LAST_LETTER
            )
        else:
            known_so = known.where(search_words.c.word == one.typed)
        if every or (await tx.execute(known_so.limit(1))).first() is None:
            meant = await spelling.meant(tx, one.typed)
            found.append(_Word(one.typed, meant, is_beginning=one.is_beginning))
        else:
            found.append(one)
    return found
