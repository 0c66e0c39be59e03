"""Makes a catalog of any size, the same rows for the same numbers: for benches and for tests.

Track `i` has five renditions, six keys, an archived master, a job that is done and a license in the
audit; ten tracks are a release, and a title is shared by every thousandth. Ids are hashes, so that
they come in no order, as real ones do. Search has them all: titles of 24 words that each twelfth
track has, and another name of a word of its own for each fifth. Popularity is Zipf's.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import psycopg

from catalog.album_loudness import Histogram, LoudnessBlocks

START = datetime(2026, 1, 1, tzinfo=UTC)
CHAIN = "c" * 16
TRACKS_OF_RELEASE = 10
_LAST_ENTRY = 1_500_000_000  # numbers go down from here; those of what is published go up
_REVISIONS = 1.05  # of a track: some were delivered again
COMMON = tuple(
    "river light stone winter harbor glass signal north ember tide hollow meadow copper silent "  # noqa: SIM905 - words
    "orbit canyon velvet thunder paper garden mirror satellite willow anchor".split()
)
_LADDER = (
    ("aac-64k", "standard", "aac", 64_000),
    ("opus-96k", "standard", "opus", 96_000),
    ("aac-128k", "standard", "aac", 128_000),
    ("aac-320k", "premium", "aac", 320_000),
    ("flac", "lossless", "flac", 900_000),
)
_FOUND = str.maketrans("0189", "ghij")  # what is in hex and not in base32

Row = tuple[object, ...]


def track_id(number: int) -> str:
    """The id of a track, by its number from 0."""
    return "t" + _hex(f"track {number}")[:20].translate(_FOUND)


def release_id(number: int) -> str:
    """The id of a release."""
    return "r" + _hex(f"release {number}")[:20].translate(_FOUND)


def revision(number: int) -> str:
    """The id of a track's current revision."""
    return _hex(f"revision {number}")[:16]


def kid(number: int, which: int) -> bytes:
    """The id of one of a track's six keys."""
    return hashlib.sha256(f"kid {number} {which}".encode()).digest()[:16]


def isrc(number: int) -> str:
    """A track's ISRC."""
    return f"QZHDW{number % 10**7:07d}"


def job_id(number: int) -> str:
    """The id of the job that made a track."""
    return _hex(f"job {number}")[:32]


def title(number: int) -> str:
    """A track's title; a thousandth of all tracks share one, in catalogs of any size."""
    words = random.Random(number % 1000).sample(COMMON, 2)
    return f"{words[0]} {words[1]} {number // 1000 % 1000}" if number % 1000 else "intro"


def instant(number: int) -> str:
    """When it was made, as SQLite keeps it and PostgreSQL reads it."""
    return (START + timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S.%f")


def rare_word(number: int) -> str:
    """A word that only one track has, of those whose number is divisible by five."""
    return "".join(chr(ord("a") + int(one, 16)) for one in _hex(f"word {number}")[:12])


def popularity(number: int) -> int:
    """Plays of a track: more than n for each n-th."""
    return min((1 << 32) // (int(_hex(f"plays {number}")[:8], 16) + 1), 1 << 24)


# What the API reads; the others are what it took to make it.
SHOWN = ("artists", "releases", "tracks", "track_artists", "search_entries", "search_words")


def tables(first: int, last: int) -> Mapping[str, tuple[tuple[str, ...], Iterator[Row]]]:
    """For each table, in the order in which they may be filled: its columns, and its rows."""

    def all_rows(rows: Callable[[int], Iterator[Row]]) -> Iterator[Row]:
        for number in range(first, last):
            yield from rows(number)

    return {name: (tuple(_COLUMNS[name].split()), all_rows(rows)) for name, rows in _ROWS.items()}


def fill_sqlite(file: str, first: int, last: int, only: Collection[str] = ()) -> None:
    """Add tracks to an SQLite catalog, which nobody else has open; to these tables, or to all."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -4000000")
    database.execute("BEGIN")
    for name, (columns, rows) in tables(first, last).items():
        if only and name not in only:
            continue
        marks = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - names of ours
            rows,
        )
    database.execute("COMMIT")
    database.execute("INSERT INTO search_index(search_index) VALUES ('optimize')")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()


def fill_postgresql(uri: str, first: int, last: int, only: Collection[str] = ()) -> None:
    """Add tracks to a PostgreSQL catalog, as a superuser: references are not checked."""
    with psycopg.connect(uri, options="-c timezone=UTC") as database:
        database.execute("SET session_replication_role = replica")
        for name, (columns, rows) in tables(first, last).items():
            if only and name not in only:
                continue
            copying = f"COPY {name} ({', '.join(columns)}) FROM STDIN"
            with database.cursor().copy(copying) as copy:
                for row in rows:
                    copy.write_row(row)
        database.execute("SELECT setval('artists_artist_id_seq', %s)", [last + 1])
        database.execute("SELECT setval('search_entries_entry_id_seq', %s)", [_LAST_ENTRY])
        database.execute("SELECT setval('search_words_number_seq', %s)", [_LAST_ENTRY])
        _index_postgresql(database, _LAST_ENTRY - 3 * first)


def _index_postgresql(database: psycopg.Connection, before: int) -> None:
    """What the triggers do, which do not run here; the large indexes are made anew, at once."""
    made = database.execute(
        "SELECT indexname, indexdef FROM pg_indexes "
        "WHERE tablename IN ('search_index', 'search_spelling') AND indexdef LIKE '%USING gin%'"
    ).fetchall()
    for name, _ in made:
        database.execute(f"DROP INDEX {name}".encode())
    lexemes = "array_remove(string_to_array(concat_ws(' ', title, artists, album, other), ' '), '')"
    database.execute(
        "INSERT INTO search_index SELECT entry_id, kind, weight, "  # noqa: S608 - no values in it
        "weight >= 10 OR ((entry_id::bigint * 2654435761) >> 20) & 31 = 0, "
        f"array_to_tsvector({lexemes}) "
        "FROM search_entries WHERE entry_id < %s".encode(),
        [before],
    )
    words = "SELECT word FROM search_words ON CONFLICT DO NOTHING"
    database.execute(f"INSERT INTO search_spelling {words}".encode())
    for _, definition in made:
        database.execute(definition.encode())


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def artist(number: int) -> str:
    """Who a track is by, in lower case; of a number that is divisible by twenty."""
    one = random.Random(f"artist {number}")
    return f"{one.choice(COMMON)} {one.choice(COMMON)} {number}"


def _artists(number: int) -> Iterator[Row]:
    if number % 20 == 0:
        name = artist(number)
        yield (number + 1, "default", name.title(), name)


def _releases(number: int) -> Iterator[Row]:
    if number % TRACKS_OF_RELEASE == 0:
        which = number // TRACKS_OF_RELEASE
        whose = "various artists" if which % 50 == 0 else artist(number - number % 20)
        name = f"{title(number + 1)} {which % 7}"
        date = f"{1960 + which % 66}-{1 + which % 12:02d}" if which % 9 else None
        now = instant(number)
        cover = f"covers/{_hex(str(which))}.jpg"
        pictures = json.dumps([[cover, 1500, 1500], [cover + "-640", 640, 640]])
        loud = (-14.2, 6.1, -1.0)
        named = (release_id(which), "default", name.title(), whose.title(), name, whose)
        upc = f"{which:012d}"
        yield (*named, upc, date, date or "", "Headwater", cover, pictures, *loud, now, now)


def _tracks(number: int) -> Iterator[Row]:
    name = title(number)
    lyrics = "\n".join(_hex(f"{number} {line}") for line in range(20)) if number % 5 == 0 else None
    of_release = (release_id(number // TRACKS_OF_RELEASE), name.title(), name)
    place = (1, number % TRACKS_OF_RELEASE + 1)
    state = ("unpublished" if number % 100 == 99 else "published", revision(number))
    yield (
        *(track_id(number), "default", *of_release, 180.0 + number % 120, isrc(number)),
        *(*place, "Pop", "2026-01", lyrics, *state, instant(number), instant(number)),
        popularity(number),
    )


def _track_artists(number: int) -> Iterator[Row]:
    credit = artist(number - number % 20).title()
    yield (track_id(number), 0, number - number % 20 + 1, credit, popularity(number))


def _search_entries(number: int) -> Iterator[Row]:
    who = artist(number - number % 20)
    album = f"{title(number - number % 10 + 1)} {number // 10 % 7}"
    other = f"pop {rare_word(number)}" if number % 5 == 0 else "pop"
    if number % 100 != 99:  # those are not published
        yield _entry(number, 1, track_id(number), title(number), who, album, other)
    if number % TRACKS_OF_RELEASE == 0:
        whose = release_id(number // TRACKS_OF_RELEASE)
        yield _entry(number, 2, whose, album, who, "", "")
    if number % 20 == 0:
        yield _entry(number, 3, str(number + 1), who, "", "", "")


def _entry(number: int, kind: int, item_id: str, *texts: str) -> Row:
    entry_id = _LAST_ENTRY - 3 * number - kind
    plays = popularity(number)
    once = (" ".join(dict.fromkeys(text.split())) for text in texts)
    return (entry_id, kind, item_id, *once, plays, min(plays.bit_length(), 63))


def _search_words(number: int) -> Iterator[Row]:
    if number == 0:
        common = (*COMMON, "intro", "pop", "various", "artists")
        yield from ((_LAST_ENTRY - at, word) for at, word in enumerate(common, 1))
    if number % 5 == 0:
        yield (_LAST_ENTRY - 100 - number, rare_word(number))


def _revision_ids(number: int) -> Iterator[str]:
    yield revision(number)
    if number % round(1 / (_REVISIONS - 1)) == 0:
        yield _hex(f"older {number}")[:16]


def _revisions(number: int) -> Iterator[Row]:
    for one in _revision_ids(number):
        sound = ("flac", "flac", 44_100, 2, 24, 44_100 * 180)
        loud = (-14.2, 6.1, -1.0, _BLOCKS[number % len(_BLOCKS)])
        made = (_hex(f"master {number} {one}"), _hex("recipe"), *sound, "cbcs", "ffmpeg 8.1.2")
        yield (track_id(number), one, *made, *loud, "[]", instant(number))


def _renditions(number: int) -> Iterator[Row]:
    track = track_id(number)
    for one in _revision_ids(number):
        for position, (name, tier, codec, bps) in enumerate(_LADDER):
            sound = (codec, "mp4a.40.2", bps, 44_100, 2)
            key = f"tracks/{track}/{one}/{name}.mp4"
            hashed = _hex(f"{number} {one} {name}")
            yield (track, one, position, name, tier, *sound, key, bps * 23, hashed)


def _keys(number: int) -> Iterator[Row]:
    for which in range(6):
        tier = ("standard", "premium", "lossless")[which % 3]
        scheme = "cbcs" if which < 3 else "aes128"
        place = ("default", track_id(number), revision(number), tier, scheme, "local", 1)
        secret = hashlib.sha512(f"key {number} {which}".encode()).digest()
        yield (kid(number, which), *place, secret[:12], secret[12:44], secret[44:60])


def _jobs(number: int) -> Iterator[Row]:
    stages = {"probe": 0.2, "encode": 31.25, "package": 0.8, "store": 0.3, "publish": 0.02}
    made = (_hex(f"master {number} {revision(number)}"), track_id(number), revision(number))
    now = instant(number)
    attempt = {"attempt": 1, "worker": "host:1234", "started_at": now, "ended_at": now}
    attempt |= {"ended": "done", "stage": "publish", "stage_seconds": stages, "error": None}
    source = f"/masters/label/{number // 10}/{number}.flac"
    texts = (json.dumps(stages), *made, now, now, now, "bulk", 1, 1, "host:1234", 1.0)
    yield (job_id(number), "default", source, "done", "publish", *texts, json.dumps([attempt]))


def _audit(number: int) -> Iterator[Row]:
    what = json.dumps({"track": track_id(number), "kids": [kid(number, 0).hex()]})
    who = f"token:{_hex(str(number % 5000))[:16]}"
    at = 1_790_000_000_000_000 + number * 1_000_000
    hashed = hashlib.sha256(what.encode()).digest()
    yield (CHAIN, number, at, "license", who, what, "203.0.113.7", "entitled", hashed)


def _masters(number: int) -> Iterator[Row]:
    master = _hex(f"master {number} {revision(number)}")
    yield (master, f"masters/{master[:2]}/{master}.flac", 30_000_000, "storage", instant(number))


def _blocks(which: int) -> str:
    """Those of a track of four minutes: some 1.5 kB."""
    one = random.Random(which)
    momentary = Histogram.of([one.gauss(-14, 4) for _ in range(2400)])
    short_term = Histogram.of([one.gauss(-14, 2) for _ in range(2370)])
    return json.dumps(asdict(LoudnessBlocks(momentary, short_term)))


_BLOCKS = [_blocks(which) for which in range(20)]
_COLUMNS = {
    "artists": "artist_id tenant name folded",
    "releases": "release_id tenant title artist folded_title folded_artist upc date sort_date "
    "label cover_key cover_pictures integrated_lufs loudness_range_lu true_peak_dbtp created_at "
    "updated_at",
    "tracks": "track_id tenant release_id title folded_title duration_s isrc disc number genre "
    "date lyrics status current_revision created_at updated_at popularity",
    "track_artists": "track_id position artist_id credit popularity",
    "revisions": "track_id revision master_sha256 recipe_sha256 master_format master_codec "
    "master_sample_rate_hz master_channels master_bit_depth master_samples scheme encoder "
    "integrated_lufs loudness_range_lu true_peak_dbtp loudness_blocks notes created_at",
    "renditions": "track_id revision position name tier codec codecs average_bps sample_rate_hz "
    "channels object_key size sha256",
    "keys": "kid tenant track_id revision tier scheme kek_id kek_version nonce wrapped iv",
    "jobs": "job_id tenant source state stage stage_seconds master_sha256 track_id revision "
    "created_at started_at finished_at queue attempts fence worker progress log",
    "audit_entries": "chain position at_us event who what whence why hash",
    "masters": "master_sha256 object_key size place archived_at",
    "search_entries": "entry_id kind item_id title artists album other popularity weight",
    "search_words": "number word",
}
_ROWS: Mapping[str, Callable[[int], Iterator[Row]]] = {
    "artists": _artists,
    "releases": _releases,
    "tracks": _tracks,
    "track_artists": _track_artists,
    "revisions": _revisions,
    "renditions": _renditions,
    "keys": _keys,
    "jobs": _jobs,
    "audit_entries": _audit,
    "masters": _masters,
    "search_entries": _search_entries,
    "search_words": _search_words,
}
