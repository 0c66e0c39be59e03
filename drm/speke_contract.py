"""SPEKE's encryption contract: which key is for which tracks. SPEKE 2.0 and 2.1, the same text.

Every key has a usage rule that names a track type and says by filters what that is. The names
are free; those of AWS's presets are held to their kind. `ALL` is one key for everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from drm.cpix.errors import InvalidCpix
from drm.cpix.model import AudioFilter, Document, UsageRule, VideoFilter
from drm.cpix.rules import require_apart

ALL = "ALL"
# The names of the presets: PRESET-VIDEO-1 to 8 and PRESET-AUDIO-1 to 3. Several joined by "+" are
# one type, and the presets' SD+HD1 has one filter for both.
VIDEO_TYPES = frozenset(("VIDEO", "SD", "HD", "HD1", "HD2", "UHD", "UHD1", "UHD2"))
_RESOLUTIONS = VIDEO_TYPES - {"VIDEO"}
AUDIO_TYPES = frozenset(
    (
        "AUDIO",
        "STEREO_AUDIO",
        "MULTICHANNEL_AUDIO",
        "MULTICHANNEL_AUDIO_3_6",
        "MULTICHANNEL_AUDIO_7",
    )
)


def check(document: Document) -> None:
    """InvalidCpix for the first rule of the contract that is broken."""
    for name, entries in (
        ("ContentKeyList", document.keys),
        ("DRMSystemList", document.systems),
        ("ContentKeyUsageRuleList", document.rules),
    ):
        if not entries:
            raise InvalidCpix(f"Missing {name}")
    for key in document.keys:
        if not any(system.kid == key.kid for system in document.systems):
            raise InvalidCpix(f"Missing DRMSystem for KID {key.kid}")
        if not any(rule.kid == key.kid for rule in document.rules):
            raise InvalidCpix(f"Missing ContentKeyUsageRule for KID {key.kid}")
    for rule in document.rules:
        _check_rule(rule)
    # Filters that SPEKE passes over do not keep two keys apart.
    for one, other in combinations(map(_without_ignored, document.rules), 2):
        _check_pair(one, other)


def _check_rule(rule: UsageRule) -> None:
    if not rule.track_type:
        raise InvalidCpix(f"Missing ContentKeyUsageRule@intendedTrackType for KID {rule.kid}")
    if rule.track_type == ALL:
        if (rule.video, rule.audio) != ((VideoFilter(),), (AudioFilter(),)):
            raise InvalidCpix("intendedTrackType ALL has one empty VideoFilter and AudioFilter")
        return
    parts = rule.track_type.split("+")
    if not all(parts) or any(count > 1 for count in Counter(parts).values()) or ALL in parts:
        raise InvalidCpix(f"intendedTrackType is not a list of types for KID {rule.kid}")
    filters = len(rule.video) + len(rule.audio)
    if not filters:
        raise InvalidCpix(f"Missing VideoFilter or AudioFilter for KID {rule.kid}")
    if filters > len(parts):
        raise InvalidCpix(f"more filters than intendedTrackType names for KID {rule.kid}")
    _check_kinds(rule, parts)


def _check_kinds(rule: UsageRule, parts: Sequence[str]) -> None:
    if rule.audio and VIDEO_TYPES.issuperset(parts):
        raise InvalidCpix(f"a video track type has an AudioFilter for KID {rule.kid}")
    if rule.video and AUDIO_TYPES.issuperset(parts):
        raise InvalidCpix(f"an audio track type has a VideoFilter for KID {rule.kid}")


def _check_pair(one: UsageRule, other: UsageRule) -> None:
    if one.periods and other.periods and set(one.periods).isdisjoint(other.periods):
        return
    if one.track_type == other.track_type:
        raise InvalidCpix("two ContentKeyUsageRule elements have one intendedTrackType")
    if ALL in {one.track_type, other.track_type}:
        raise InvalidCpix("intendedTrackType ALL stands beside another")
    # AWS's own test requests give HD no upper bound beside UHD: the narrower one is meant.
    if not (_is_resolution(one) and _is_resolution(other) and one.video != other.video):
        require_apart(one, other)


def _is_resolution(rule: UsageRule) -> bool:
    return _RESOLUTIONS.issuperset((rule.track_type or "").split("+"))


def _without_ignored(rule: UsageRule) -> UsageRule:
    video = tuple(replace(one, wcg=None) for one in rule.video)
    return replace(rule, bitrate=(), video=video)
