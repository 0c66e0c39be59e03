"""What a bucket should be told once: which leftovers to remove, and who may read it from a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storage.claims import FOLDER

_OURS = "headwater-"
_LEFTOVER_DAYS = 2


def lifecycle(prefix: str) -> list[dict[str, Any]]:
    """Rules for uploads and claims that killed processes left; objects are never touched."""
    return [
        {
            "ID": f"{_OURS}aborted-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _LEFTOVER_DAYS},
        },
        {
            "ID": f"{_OURS}claims",
            "Status": "Enabled",
            "Filter": {"Prefix": prefix + FOLDER},
            "Expiration": {"Days": _LEFTOVER_DAYS},
        },
    ]


def merged(
    existing: Iterable[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Rules that somebody else has set, and ours in place of older ones of ours."""
    kept = [rule for rule in existing if not str(rule.get("ID", "")).startswith(_OURS)]
    return [*kept, *ours]


def cors(origins: Sequence[str]) -> list[dict[str, Any]]:
    """Rules that let players in pages of these origins read ranges."""
    return [
        {
            "AllowedOrigins": list(origins),
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedHeaders": ["Range", "If-None-Match"],
            "ExposeHeaders": ["Content-Length", "Content-Range", "ETag"],
            "MaxAgeSeconds": 86400,
        }
    ]
