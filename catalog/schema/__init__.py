"""The tables. Any change here needs a migration; a test compares both.

    artists --< track_artists >-- tracks --< revisions --< renditions
                                  tracks >-- releases      +--< keys
    jobs stand alone: they are kept when what they made is not; uploads, too
    external_keys, too: what they lock is elsewhere
    keks, and audit_chains --< audit_entries, stand alone: entries are only ever added
    rights --< rights_windows, of a track or a release; stream_accounts --< streams
    search_entries are of tracks, releases and artists, made of what those say
    former_masters are of tracks whose revisions went before their masters did
    plays are counted by day and track

Only types that SQLite and PostgreSQL both have. Instants are UTC; ids and hashes are text.
"""

from __future__ import annotations

from catalog.schema.columns import metadata
from catalog.schema.custody import audit_chains, audit_entries, external_keys, keks, keys
from catalog.schema.entitlement import rights, rights_windows, stream_accounts, streams, takedowns
from catalog.schema.finding import alternate_names, changes, plays, search_entries, search_words
from catalog.schema.music import artists, releases, renditions, revisions, track_artists, tracks
from catalog.schema.work import former_masters, jobs, masters, uploads

__all__ = [
    "alternate_names",
    "artists",
    "audit_chains",
    "audit_entries",
    "changes",
    "external_keys",
    "former_masters",
    "jobs",
    "keks",
    "keys",
    "masters",
    "metadata",
    "plays",
    "releases",
    "renditions",
    "revisions",
    "rights",
    "rights_windows",
    "search_entries",
    "search_words",
    "stream_accounts",
    "streams",
    "takedowns",
    "track_artists",
    "tracks",
    "uploads",
]
