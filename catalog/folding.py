"""Names folded for comparison: "Beyoncé", "BEYONCE" and "Beyonce " are one artist.

Folding is for equality and order, never for display. It works on what Latin, Greek and Cyrillic
call accents; the marks that make another letter in other scripts (a Japanese voiced sound, an
Indian vowel) stay.
"""

from __future__ import annotations

import unicodedata

# Letters that Unicode does not decompose but people type without the stroke or ligature.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",  # the dotless i
        "ħ": "h",
        "\u2018": "'",  # quotation marks and apostrophes
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",  # hyphens and dashes
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
    }
)


def fold(text: str) -> str:
    """Fold a name: case, accents, widths, typographic punctuation and spacing no longer count."""
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    # U+0300 to U+036F: the accents of Latin, Greek and Cyrillic, and no other script's marks.
    plain = "".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f")
    return " ".join(unicodedata.normalize("NFC", plain).split()) or text.strip()
