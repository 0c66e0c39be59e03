"""The tags that the m3u8 library cannot write: each value prints as its line or lines.

The library's own `Key` drops an empty KEYFORMAT and knows no KEYID, a segment of its takes one
key only, and its `Media` knows neither SAMPLE-RATE nor BIT-DEPTH.
"""

from __future__ import annotations

from dataclasses import dataclass


def attribute_text(value: str) -> str:
    """Text that may stand in a quoted string. RFC 8216, 4.2: no line breaks, no double quotes."""
    return value.replace('"', "'").replace("\r", " ").replace("\n", " ")


def quoted(value: str) -> str:
    """A quoted-string attribute value."""
    return f'"{attribute_text(value)}"'


@dataclass(frozen=True, slots=True)
class Key:
    """`EXT-X-KEY`, or `EXT-X-SESSION-KEY` of the same attributes. RFC 8216bis, 4.4.4.4, 4.4.6.5."""

    method: str  # SAMPLE-AES (cbcs), SAMPLE-AES-CTR (cenc), AES-128 (whole segments)
    uri: str
    key_format: str
    iv: bytes | None = None  # 16 bytes
    key_id: bytes | None = None  # 16 bytes; a KEYID is what hls.js reads
    tag: str = "EXT-X-KEY"

    def __str__(self) -> str:
        """The line."""
        parts = [f"METHOD={self.method}", f"URI={quoted(self.uri)}"]
        if self.key_id is not None:
            parts.append(f"KEYID=0x{self.key_id.hex()}")
        if self.iv is not None:
            parts.append(f"IV=0x{self.iv.hex()}")
        parts += [f"KEYFORMAT={quoted(self.key_format)}", 'KEYFORMATVERSIONS="1"']
        return f"#{self.tag}:" + ",".join(parts)


@dataclass(frozen=True, slots=True)
class Keys:
    """Every way to get the one key of a playlist: a line for each key format."""

    keys: tuple[Key, ...]

    def __str__(self) -> str:
        """The lines."""
        return "\n".join(str(key) for key in self.keys)


@dataclass(frozen=True, slots=True)
class ClearHeader:
    """`EXT-X-MAP` and then the keys. RFC 8216bis, 4.4.4.5.

    The library prints a key before the map; under AES-128 that would say that the header is
    encrypted as well.
    """

    uri: str
    byterange: str | None
    keys: Keys | None
    is_discontinuity: bool = False  # another track begins; the library would say so after this

    def __str__(self) -> str:
        """The lines."""
        byterange = f",BYTERANGE={quoted(self.byterange)}" if self.byterange else ""
        header = f"#EXT-X-MAP:URI={quoted(self.uri)}{byterange}"
        if self.is_discontinuity:
            header = f"#EXT-X-DISCONTINUITY\n{header}"
        return f"{header}\n{self.keys}" if self.keys else header


@dataclass(frozen=True, slots=True)
class AudioGroup:
    """`EXT-X-MEDIA:TYPE=AUDIO` without a URI. RFC 8216bis, 4.4.6.1.

    The group describes what its variants have in common (the media itself is in each variant's
    own playlist, 4.4.6.2.1), so that one group serves every bit rate of a codec.
    """

    group_id: str
    name: str
    channels: str  # a count, or objects and their coding: 16/JOC
    sample_rate_hz: int
    bit_depth: int | None
    uri: None = None
    type: str = "AUDIO"

    def __str__(self) -> str:
        """The line."""
        parts = [
            f"TYPE={self.type}",
            f"GROUP-ID={quoted(self.group_id)}",
            f"NAME={quoted(self.name)}",
            "DEFAULT=YES",
            "AUTOSELECT=YES",
            f"CHANNELS={quoted(self.channels)}",
            f"SAMPLE-RATE={self.sample_rate_hz}",
            f"STABLE-RENDITION-ID={quoted(self.group_id)}",
        ]
        if self.bit_depth is not None:
            parts.append(f"BIT-DEPTH={self.bit_depth}")
        return "#EXT-X-MEDIA:" + ",".join(parts)
