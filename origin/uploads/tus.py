"""Header fields of resumable uploads: tus 1.0.0, https://tus.io/protocols/resumable-upload. Pure.

Whatever a client sends as a file's name or as metadata comes out harmless, or is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from configs.bounds import SAID_BYTES
from origin.problems import OriginError

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,expiration,checksum,termination"
CHUNK_TYPE: Final = "application/offset+octet-stream"

RESUMABLE: Final = "Tus-Resumable"
OFFSET: Final = "Upload-Offset"
LENGTH: Final = "Upload-Length"
METADATA: Final = "Upload-Metadata"
EXPIRES: Final = "Upload-Expires"
CHECKSUM: Final = "Upload-Checksum"
METHOD_OVERRIDE: Final = "X-HTTP-Method-Override"

ALGORITHMS: Final[Mapping[str, Callable[[], Any]]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),  # the one that tus asks for
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}

# What may be said of a recording; other keys (Uppy's "relativePath") are let be.
FIELDS: Final = frozenset(
    (
        *("id", "title", "artist", "artists", "album", "album_artist", "disc", "number", "date"),
        *("genre", "isrc", "upc", "copyright", "label", "lyrics"),
    )
)
_FILE_NAMES = ("filename", "name")  # as tus-js-client and Uppy say it

_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,100}", re.ASCII)  # no space, no comma
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)
_PLAIN = frozenset(" ._-+()[]&',!")
_MAX_NAME_BYTES = 120  # of 255 that a file system takes: a sidecar's name is longer
# Of files that may be masters; what else stands behind a dot is part of a title.
_SUFFIX = re.compile(
    r"\.(wave?|bwf|rf64|w64|flac|aif[fc]?|m4a|mp4|mov|caf|mp3|ogg|opus|aac)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a client says of a file."""

    name: str  # harmless
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of a request have to hash to."""

    algorithm: str
    digest: bytes

    def hasher(self) -> Any:
        """A new hash object."""
        return ALGORITHMS[self.algorithm]()


def parse_metadata(text: str) -> Said:
    """Read `Upload-Metadata`: pairs of a key and a value in base64. OriginError 400."""
    pairs: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        key, _, encoded = part.partition(" ")
        if not _KEY.fullmatch(key) or key in pairs:
            raise _bad("bad-metadata", f"{METADATA} has a key that is wrong, or twice.")
        try:
            pairs[key] = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise _bad("bad-metadata", f"{METADATA}: {key} is not UTF-8 in base64.") from None
    return said(pairs)


def said(pairs: Mapping[str, str]) -> Said:
    """Keep what is known of what was said. OriginError 400 where a value is much too long."""
    name = next((pairs[key] for key in _FILE_NAMES if pairs.get(key)), "")
    fields = {key.lower(): value.strip() for key, value in pairs.items()}
    kept = {key: fields[key] for key in sorted(FIELDS & fields.keys()) if fields[key]}
    texts = "".join(kept.values())
    if len(texts.encode(errors="replace")) > SAID_BYTES or "\0" in texts:
        raise _bad("bad-metadata", f"It is longer than {SAID_BYTES} bytes, or has a NUL in it.")
    return Said(safe_name(name), kept)


def encode_metadata(name: str, fields: Mapping[str, str]) -> str:
    """Write `Upload-Metadata` of what was kept."""
    pairs = {"filename": name, **fields}
    return ",".join(
        f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in pairs.items()
    )


def safe_name(text: str) -> str:
    """A file's name that is one in every folder, shell and log: letters, digits, few signs."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    plain = "".join(one if _is_plain(one) else "_" for one in last).strip(" .")
    stem = stem_of(plain)
    suffix = plain[len(stem) :]
    stem = stem.encode()[: _MAX_NAME_BYTES - len(suffix)].decode(errors="ignore").strip(" .")
    if stem.startswith("-") or not stem.strip("_"):  # no option of a program
        stem = f"master{stem}"
    return stem + suffix


def stem_of(name: str) -> str:
    """A file's name without what says its format: that, its first bytes say."""
    place = name.rfind(".")
    return name[:place] if place >= 0 and _SUFFIX.fullmatch(name, place) else name


def _is_plain(one: str) -> bool:
    return one in _PLAIN or unicodedata.category(one)[0] in "LMN"


def require_version(sent: str | None) -> None:
    """OriginError 412 where a client speaks another version of tus, or none."""
    if sent != VERSION:
        raise OriginError(
            412, "tus-version", f"Speak tus {VERSION}.", headers={"Tus-Version": VERSION}
        )


def parse_length(text: str | None, name: str) -> int:
    """Read a count of bytes. OriginError 400."""
    if text is None or not _DIGITS.fullmatch(text):
        raise _bad("bad-length", f"{name} has to be a number of bytes.")
    return int(text)


def parse_checksum(text: str | None) -> Checksum | None:
    """Read `Upload-Checksum`. OriginError 400 for an algorithm that is not supported."""
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise _bad("checksum-algorithm", f"Use one of {', '.join(ALGORITHMS)}.")
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != ALGORITHMS[algorithm]().digest_size:
        raise _bad("bad-checksum", f"{CHECKSUM} is no {algorithm} in base64.")
    return Checksum(algorithm, digest)


def _bad(reason: str, detail: str) -> OriginError:
    return OriginError(400, reason, detail)
