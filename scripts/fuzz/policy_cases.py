"""Random questions to the policy, and what has to be so of every answer.

Everything follows from a number, so that a failure can be made again. The oracle states each rule
by itself, as the documentation does, without an order and without the policy's code.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drm import policy

FREE = frozenset({"standard"})
PREMIUM = frozenset({"standard", "premium", "lossless"})
_TIERS = ("standard", "premium", "lossless", "Standard", "standard-premium", "")
_PLACES = ("DE", "FR", "US", "JP")
_TRACKS = ("t" + "a" * 20, "t" + "b" * 20)
_RELEASES = ("r" + "a" * 20, "r" + "b" * 20)
_EPOCH = datetime(2026, 11, 21, tzinfo=UTC)
_STEPS = 6  # instants that windows, embargoes and clocks are drawn from, so that they often meet


@dataclass(frozen=True, slots=True)
class Case:
    """A listener's question."""

    number: int
    subscription: str  # "free" or "premium"
    request: policy.Request
    rights: policy.Rights
    now: datetime


def cases(count: int, seed: int) -> Iterator[Case]:
    """Make so many; four of five are a free listener's."""
    draw = random.Random(seed)
    for number in range(count):
        subscription = "premium" if number % 5 == 0 else "free"
        yield Case(number, subscription, _request(draw, subscription), _rights(draw), _at(draw))


def failure(case: Case) -> str | None:
    """What is wrong with the policy's answer; None where it is right."""
    answer = policy.decide(case.request, case.rights, case.now)
    if isinstance(answer, policy.Grant):
        if case.subscription == "free" and not answer.tiers <= FREE:
            return f"a free listener was given {sorted(answer.tiers)}: {case}"
        if not answer.tiers <= case.request.opened:
            return f"more than the token opens: {case}"
        if answer.until is not None and answer.until <= case.now:
            return f"a grant that has ended: {case}"
    broken = broken_rules(case)
    if isinstance(answer, policy.Grant) is bool(broken):
        return f"{answer} where these rules are broken: {sorted(broken)}: {case}"
    if isinstance(answer, policy.Denial) and answer.reason.value not in broken:
        return f"{answer} is not why: {sorted(broken)}: {case}"
    return None


def run(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Ask them all: how often each answer came, and what was wrong."""
    answers: Counter[str] = Counter()
    failures = []
    for case in cases(count, seed):
        answer = policy.decide(case.request, case.rights, case.now)
        answers["granted" if isinstance(answer, policy.Grant) else answer.reason.value] += 1
        if problem := failure(case):
            failures.append(problem)
    return answers, failures


def broken_rules(case: Case) -> set[str]:
    """Every rule that speaks against it, by the reason it gives."""
    asked, rights, now = case.request, case.rights, case.now
    terms = asked.terms
    rules = {
        "token-expired": asked.expires_at is not None and asked.expires_at <= now,
        "policy-changed": terms is None,
        "wrong-scope": asked.scope
        not in {f"tracks/{rights.track_id}/", f"releases/{rights.release_id}/"},
        "track-unavailable": not rights.published
        or (rights.available_from or datetime.min.replace(tzinfo=UTC)) > now,
        "tier-not-open": not asked.tiers or bool(asked.tiers - asked.opened),
        "offline-not-allowed": asked.offline and (terms is None or not terms.offline),
        "offline-not-licensed": asked.offline and not rights.offline,
        "too-many-streams": terms is not None
        and terms.streams is not None
        and asked.other_streams >= terms.streams,
        **_window_rules(asked.territory, rights.windows, now),
    }
    return {reason for reason, is_broken in rules.items() if is_broken}


def _window_rules(
    place: str | None, windows: tuple[policy.Window, ...], now: datetime
) -> dict[str, bool]:
    named = [one for one in windows if one.territory != "*"]
    own = [one for one in named if one.territory == place]
    licensed = [one for one in own or set(windows) - set(named) if one.licensed]
    began = [one for one in licensed if one.start is None or one.start <= now]
    lasts = [one for one in licensed if one.end is None or one.end > now]
    is_closed = bool(licensed) and not set(began) & set(lasts)
    is_known = place is not None or not named
    return {
        "territory-unknown": not is_known,
        "territory-not-licensed": bool(windows) and is_known and not licensed,
        "window-not-open": is_known and is_closed and len(began) < len(licensed),
        "window-over": is_known and is_closed and len(began) == len(licensed),
    }


def _request(draw: random.Random, subscription: str) -> policy.Request:
    terms = policy.Terms(draw.choice((None, None, 1, 3)), offline=draw.random() < 0.5)
    tiers = draw.sample(_TIERS, draw.choice((0, 1, 1, 1, 2, 3)))
    return policy.Request(
        scope=draw.choice(
            (f"tracks/{_TRACKS[0]}/",) * 6
            + (f"releases/{_RELEASES[0]}/",) * 3
            + (f"tracks/{_TRACKS[1]}/", f"tracks/{_RELEASES[0]}/", "covers/", "tracks/", "")
        ),
        opened=PREMIUM if subscription == "premium" else FREE,
        tiers=frozenset(tiers if draw.random() < 0.5 else tiers[:1] and ["standard"]),
        expires_at=draw.choice((None, _at(draw), _at(draw) + timedelta(days=9))),
        terms=None if draw.random() < 0.05 else terms,
        territory=draw.choice((None, *_PLACES)),
        offline=draw.random() < 0.2,
        other_streams=draw.choice((0, 0, 0, 1, 2, 3, 9)),
    )


def _rights(draw: random.Random) -> policy.Rights:
    count = draw.choice((0, 0, 1, 1, 2, 3, 4))
    return policy.Rights(
        track_id=_TRACKS[0],
        release_id=draw.choice((None, *_RELEASES)),
        published=draw.random() < 0.9,
        available_from=_at(draw) if draw.random() < 0.2 else None,
        windows=tuple(_window(draw) for _ in range(count)),
        offline=draw.random() < 0.7,
    )


def _window(draw: random.Random) -> policy.Window:
    start = draw.choice((None, _at(draw)))
    end = draw.choice((None, _at(draw) + timedelta(hours=1)))
    place = draw.choice(("*", "*", *_PLACES))
    return policy.Window(place, start, end, licensed=draw.random() < 0.8)


def _at(draw: random.Random) -> datetime:
    return _EPOCH + timedelta(hours=draw.randrange(_STEPS))
