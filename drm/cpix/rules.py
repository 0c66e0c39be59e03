"""The rules between the elements of a document: who refers to what, and one key per context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import combinations
from typing import TypeVar

from drm.cpix.errors import InvalidCpix
from drm.cpix.model import Document, KeyPeriod, Range, UsageRule, VideoFilter

MAX_ENTRIES = 512  # of one list: every pair of usage rules is compared

_T = TypeVar("_T")


def check(document: Document) -> None:
    """InvalidCpix for the first rule that the document breaks, contexts apart."""
    for entries in (document.keys, document.systems, document.periods, document.rules):
        if len(entries) > MAX_ENTRIES:
            raise InvalidCpix(f"more than {MAX_ENTRIES} entries of one kind")
    _check_keys(document)
    _check_references(document)
    for period in document.periods:
        _check_period(period)


def _check_keys(document: Document) -> None:
    kids = Counter(key.kid for key in document.keys)
    if doubled := [kid for kid, count in kids.items() if count > 1]:
        raise InvalidCpix(f"two ContentKey elements have the KID {doubled[0]}")
    if document.content_id is not None and any(key.content_id for key in document.keys):
        raise InvalidCpix("contentId stands on CPIX and on a ContentKey")
    pairs = Counter((entry.system, entry.kid) for entry in document.systems)
    if any(count > 1 for count in pairs.values()):
        raise InvalidCpix("two DRMSystem elements are for one system and key")
    if any(key.sealed is not None for key in document.keys):
        _check_deliveries(document)


def _check_deliveries(document: Document) -> None:
    for delivery in document.deliveries:
        if delivery.mac_key is None or not delivery.document_keys:
            raise InvalidCpix("encrypted keys need a DocumentKey and a MACMethod")
        if len(delivery.document_keys) > 1 and not all(
            one.encrypts for one in delivery.document_keys
        ):
            raise InvalidCpix("Missing DocumentKey@encryptsKey")
    if not document.deliveries:
        raise InvalidCpix("encrypted keys need a DeliveryData")


def _check_references(document: Document) -> None:
    kids = {key.kid for key in document.keys}
    for name, entries in (
        ("DRMSystem", document.systems),
        ("ContentKeyUsageRule", document.rules),
    ):
        for entry in entries:
            if entry.kid not in kids:
                raise InvalidCpix(f"a {name} is for the KID {entry.kid}, which has no ContentKey")
    known = Counter(period.id for period in document.periods if period.id is not None)
    if any(count > 1 for count in known.values()):
        raise InvalidCpix("two ContentKeyPeriod elements have one id")
    for rule in document.rules:
        if not set(rule.periods) <= known.keys():
            raise InvalidCpix("a KeyPeriodFilter is for a ContentKeyPeriod that is not there")


def _check_period(period: KeyPeriod) -> None:
    """By instants, by offsets, or neither; each with an end or a duration. CPIX 2.4."""
    if period.start is not None and period.start_offset is not None:
        raise InvalidCpix("a ContentKeyPeriod has a start and a startOffset")
    ends = [period.end, period.end_offset, period.duration]
    if (period.start or period.start_offset) is None:
        if any(end is not None for end in ends):
            raise InvalidCpix("a ContentKeyPeriod ends and does not start")
    elif sum(end is not None for end in ends) != 1:
        raise InvalidCpix("a ContentKeyPeriod starts, and needs one end or duration")
    if (period.start is None) != (period.end is None) and period.duration is None:
        raise InvalidCpix("a ContentKeyPeriod mixes instants and offsets")
    if period.start and period.end and period.end <= period.start:
        raise InvalidCpix("a ContentKeyPeriod ends before it starts")


def check_contexts(rules: Sequence[UsageRule]) -> None:
    """InvalidCpix if some sample could be meant by the rules of two keys."""
    for one, other in combinations(rules, 2):
        require_apart(one, other)


def require_apart(one: UsageRule, other: UsageRule) -> None:
    """InvalidCpix if two rules are of two keys, and some sample could be meant by both."""
    if one.kid != other.kid and _meet(one, other):
        problem = f"usage rules map the keys {one.kid} and {other.kid} to the same context"
        raise InvalidCpix(problem)


def _meet(one: UsageRule, other: UsageRule) -> bool:
    return (
        _share(one.periods, other.periods)
        and _share(one.labels, other.labels)
        and _any(one.bitrate, other.bitrate, lambda a, b: a.bps.overlaps(b.bps))
        and _media_meet(one, other)
    )


def _share(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two sets of names have one in common; none at all stands for every name."""
    return not one or not other or not set(one).isdisjoint(other)


def _any(one: Sequence[_T], other: Sequence[_T], meet: Callable[[_T, _T], bool]) -> bool:
    return not one or not other or any(meet(a, b) for a in one for b in other)


def _media_meet(one: UsageRule, other: UsageRule) -> bool:
    video = _covers_video(one) and _covers_video(other)
    audio = _covers_audio(one) and _covers_audio(other)
    return (video and _any(one.video, other.video, _videos_meet)) or (
        audio and _any(one.audio, other.audio, lambda a, b: a.channels.overlaps(b.channels))
    )


def _covers_video(rule: UsageRule) -> bool:
    return bool(rule.video) or not rule.audio


def _covers_audio(rule: UsageRule) -> bool:
    return bool(rule.audio) or not rule.video


def _videos_meet(one: VideoFilter, other: VideoFilter) -> bool:
    return (
        one.pixels.overlaps(other.pixels)
        and _fps_meet(one.fps, other.fps)
        and _flags_meet(one.hdr, other.hdr)
        and _flags_meet(one.wcg, other.wcg)
    )


def _fps_meet(one: Range, other: Range) -> bool:
    """As everywhere, but a shared bound is no overlap: editions differ on whose it is."""
    low = max(one.low or 0, other.low or 0)
    highs = [high for high in (one.high, other.high) if high is not None]
    return not highs or low < min(highs)


def _flags_meet(one: bool | None, other: bool | None) -> bool:  # noqa: FBT001 - three values
    return one is None or other is None or one == other
