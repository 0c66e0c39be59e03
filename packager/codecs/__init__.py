"""What each coding says of itself: a sample entry in, a `CodecConfig` out.

`read_config` picks the module by the entry's type. Each module knows one coding: where its
configuration lies, how long a frame is, and its RFC 6381 `codecs` string.
"""

from __future__ import annotations

from packager.boxes.entries import AudioSampleEntry
from packager.codecs import aac, ac3, alac, flac, opus
from packager.errors import UnsupportedMedia
from packager.model import CodecConfig

__all__ = ["read_config"]

_READERS = {
    b"mp4a": aac.read_config,
    b"Opus": opus.read_config,
    b"fLaC": flac.read_config,
    b"alac": alac.read_config,
    b"ac-3": ac3.read_ac3_config,
    b"ec-3": ac3.read_ec3_config,
}


def read_config(entry: AudioSampleEntry) -> CodecConfig:
    """The decoder configuration in a clear sample entry; MalformedMedia or UnsupportedMedia."""
    reader = _READERS.get(entry.kind)
    if reader is None:
        name = entry.kind.decode("latin-1")
        raise UnsupportedMedia(f"audio coded as {name!r} cannot be packaged")
    return reader(entry)
