"""ISO BMFF boxes as values: every class reads and writes one box of ISO/IEC 14496-12 or -23001-7.

Start at `base`; then `file` (ftyp, sidx), `movie` (moov and tracks), `table` (samples), `entries`
(codecs), `dolby` (AC-3), `fragment` (moof), `protection` (encryption), `loudness` (ludt).
Importing the package registers them all.
"""

from packager.boxes import dolby, entries, file, fragment, loudness, movie, protection, table
from packager.boxes.base import Box, Container, FullBox, UnknownBox, parse

__all__ = [
    "Box",
    "Container",
    "FullBox",
    "UnknownBox",
    "dolby",
    "entries",
    "file",
    "fragment",
    "loudness",
    "movie",
    "parse",
    "protection",
    "table",
]
