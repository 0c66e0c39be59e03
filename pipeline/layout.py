"""The names of the static manifests beside a revision's track files."""

from __future__ import annotations

HLS_FILE = "multivariant.m3u8"
HLS_AES128_FILE = "multivariant-aes128.m3u8"
DASH_FILE = "manifest.mpd"
