"""The bytes of a text document -> its text. Bounded; one coding is accepted for each document."""

from __future__ import annotations

import codecs
import re

from packager.errors import MalformedMedia

MAX_BYTES = 1 << 20  # the longest lyrics have some 100 kB, with every syllable timed

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# C0 controls but tab and line ends, DEL, and halves of characters: no text has them.
_FOREIGN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def decode(data: bytes) -> str:
    """UTF-8, or UTF-16 with a byte order mark; line ends become line feeds. MalformedMedia."""
    if len(data) > MAX_BYTES:
        raise MalformedMedia(f"{len(data)} bytes of text, {MAX_BYTES} are allowed")
    bom, coding = next((one for one in _BOMS if data.startswith(one[0])), (b"", "utf-8"))
    try:
        text = data[len(bom) :].decode(coding)
    except UnicodeDecodeError as exc:
        raise MalformedMedia(f"not {coding.upper()} text", offset=len(bom) + exc.start) from exc
    return checked(text)


def checked(text: str) -> str:
    """Text from anywhere, its line ends as line feeds. MalformedMedia where it cannot be text."""
    if len(text) > MAX_BYTES:
        raise MalformedMedia(f"{len(text)} characters of text, {MAX_BYTES} are allowed")
    if found := _FOREIGN.search(text):
        raise MalformedMedia(f"the control character U+{ord(found[0]):04X} in text")
    return text.replace("\r\n", "\n").replace("\r", "\n")
