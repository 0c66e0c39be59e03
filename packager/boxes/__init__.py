"""ISO BMFF boxes as values: every class reads and writes one box of ISO/IEC 14496-12 or -23001-7.

Start at `base`; then `file` (ftyp, sidx), `movie` (moov and tracks), `table` (samples), `entries`
(codecs), `fragment` (moof), `protection` (encryption). Importing the package registers them all.
"""

from packager.boxes import entries, file, fragment, movie, protection, table
from packager.boxes.base import Box, Container, FullBox, UnknownBox, parse

__all__ = [
    "Box",
    "Container",
    "FullBox",
    "UnknownBox",
    "entries",
    "file",
    "fragment",
    "movie",
    "parse",
    "protection",
    "table",
]
