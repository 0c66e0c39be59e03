"""Packages made of really encoded and packaged tracks, for tests of what is rendered from them."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

from packager.cmaf import write_track
from packager.demux import demux
from packager.loudness import loudness_box
from packager.model import Kid, Loudness, Package, Rendition, Scheme, TrackProtection

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
CBCS_IV = bytes(range(16))
CENC_IV = bytes(range(8))
LOUDNESS = Loudness(-14.2, 5.3, -1.1)
ALBUM_LOUDNESS = Loudness(-13.7, 9.0, 0.4)
SAMPLE_SCHEMES = (Scheme.CLEAR, Scheme.CENC, Scheme.CBCS)  # what plays without HLS AES-128


def protection(scheme: Scheme, kid: int = 1) -> TrackProtection | None:
    """A fixed key for a scheme; KIDs differ by number. None for clear."""
    if scheme is Scheme.CLEAR:
        return None
    iv = CENC_IV if scheme is Scheme.CENC else CBCS_IV
    return TrackProtection(scheme, Kid(bytes([kid]) * 16), KEY, iv)


def write(
    encoded: Path,
    *,
    name: str = "aac-128k",
    tier: str = "standard",
    scheme: Scheme = Scheme.CLEAR,
    kid: int = 1,
    segment_s: float = 4,
) -> tuple[Rendition, bytes]:
    """Package one encoded file; the rendition and the track file's bytes."""
    out = io.BytesIO()
    with encoded.open("rb") as source:
        rendition = write_track(
            source,
            demux(source),
            out,
            name=name,
            tier=tier,
            segment_s=Fraction(segment_s),
            protection=protection(scheme, kid),
            loudness=loudness_box(LOUDNESS, ALBUM_LOUDNESS),
        )
    return rendition, out.getvalue()


def package(*renditions: Rendition) -> Package:
    """A package around renditions."""
    return Package(
        "tabcdefghijklmnopqrst", "0123456789abcdef", 'Rain & "Röck"', "A < B", renditions, LOUDNESS
    )
