"""Who may have what: each rule by itself, their order, and many random questions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drm.policy import (
    DETAILS,
    Denial,
    Grant,
    Reason,
    Request,
    Rights,
    Terms,
    Window,
    decide,
    release_scope,
    track_scope,
)
from drm.territories import EVERYWHERE, TERRITORIES, territory
from scripts.fuzz import policy_cases

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
TRACK, RELEASE = "t" + "a" * 20, "r" + "a" * 20
FREE = frozenset({"standard"})
RIGHTS = Rights(TRACK, RELEASE)
ASKED = Request(track_scope(TRACK), FREE, FREE)
GERMANY = replace(RIGHTS, windows=(Window("DE", NOW - HOUR, NOW + HOUR),))
WORLD_BUT_FRANCE = replace(
    RIGHTS, windows=(Window(EVERYWHERE), Window("FR", licensed=False), Window("US", NOW + HOUR))
)


def reason(request: Request, rights: Rights = RIGHTS) -> str:
    """Why it is denied, or "granted"."""
    answer = decide(request, rights, NOW)
    return answer.reason.value if isinstance(answer, Denial) else "granted"


@pytest.mark.parametrize(
    ("expected", "request_", "rights"),
    [
        ("granted", ASKED, RIGHTS),
        ("granted", replace(ASKED, scope=release_scope(RELEASE)), RIGHTS),
        ("granted", replace(ASKED, expires_at=NOW + timedelta(microseconds=1)), RIGHTS),
        ("token-expired", replace(ASKED, expires_at=NOW), RIGHTS),
        ("policy-changed", replace(ASKED, terms=None), RIGHTS),
        ("wrong-scope", replace(ASKED, scope=track_scope("t" + "b" * 20)), RIGHTS),
        ("wrong-scope", replace(ASKED, scope=release_scope("r" + "b" * 20)), RIGHTS),
        ("wrong-scope", replace(ASKED, scope="covers/"), RIGHTS),
        ("wrong-scope", replace(ASKED, scope="releases/None/"), replace(RIGHTS, release_id=None)),
        ("track-unavailable", ASKED, replace(RIGHTS, published=False)),
        ("track-unavailable", ASKED, replace(RIGHTS, available_from=NOW + HOUR)),
        ("granted", ASKED, replace(RIGHTS, available_from=NOW)),
        ("tier-not-open", replace(ASKED, tiers=frozenset({"premium"})), RIGHTS),
        ("tier-not-open", replace(ASKED, tiers=FREE | {"premium"}), RIGHTS),
        ("tier-not-open", replace(ASKED, tiers=frozenset()), RIGHTS),
        ("granted", replace(ASKED, territory="DE"), GERMANY),
        ("territory-unknown", ASKED, GERMANY),
        ("territory-not-licensed", replace(ASKED, territory="FR"), GERMANY),
        ("granted", replace(ASKED, territory="JP"), WORLD_BUT_FRANCE),
        ("territory-not-licensed", replace(ASKED, territory="FR"), WORLD_BUT_FRANCE),
        ("window-not-open", replace(ASKED, territory="US"), WORLD_BUT_FRANCE),
        ("territory-unknown", ASKED, WORLD_BUT_FRANCE),
        ("granted", ASKED, replace(RIGHTS, windows=(Window(EVERYWHERE),))),
        ("granted", ASKED, replace(RIGHTS, windows=(Window(EVERYWHERE, NOW, None),))),
        ("window-over", ASKED, replace(RIGHTS, windows=(Window(EVERYWHERE, None, NOW),))),
        (
            "window-not-open",  # between two: it comes back
            ASKED,
            replace(
                RIGHTS,
                windows=(
                    Window(EVERYWHERE, None, NOW - HOUR),
                    Window(EVERYWHERE, NOW + HOUR, None),
                ),
            ),
        ),
        ("offline-not-allowed", replace(ASKED, offline=True), RIGHTS),
        ("granted", replace(ASKED, offline=True, terms=Terms(offline=True)), RIGHTS),
        (
            "offline-not-licensed",
            replace(ASKED, offline=True, terms=Terms(offline=True)),
            replace(RIGHTS, offline=False),
        ),
        ("granted", replace(ASKED, terms=Terms(streams=2), other_streams=1), RIGHTS),
        ("too-many-streams", replace(ASKED, terms=Terms(streams=2), other_streams=2), RIGHTS),
        ("granted", replace(ASKED, other_streams=99), RIGHTS),
    ],
)
def test_the_rules(expected: str, request_: Request, rights: Rights) -> None:
    assert reason(request_, rights) == expected


def test_the_first_rule_that_refuses_gives_the_reason() -> None:
    """Everything is wrong at first; then one thing after the other is mended."""
    asked = Request(
        "covers/",
        FREE,
        frozenset({"premium"}),
        expires_at=NOW,
        terms=None,
        offline=True,
        other_streams=1,
    )
    rights = replace(GERMANY, published=False, offline=False)
    seen = [reason(asked, rights)]
    for mended in (
        {"expires_at": None},
        {"terms": Terms(streams=1)},
        {"scope": track_scope(TRACK)},
        {"published": True},
        {"tiers": FREE},
        {"territory": "FR"},
        {"territory": "DE"},
        {"offline": True},
        {"terms": Terms(streams=1, offline=True)},
        {"other_streams": 0},
    ):
        of_rights = {"published", "offline"} & mended.keys()
        if of_rights:
            rights = replace(rights, **mended)
        else:
            asked = replace(asked, **mended)
        seen.append(reason(asked, rights))
    assert seen == [
        "token-expired",
        "policy-changed",
        "wrong-scope",
        "track-unavailable",
        "tier-not-open",
        "territory-unknown",
        "territory-not-licensed",
        "offline-not-licensed",
        "offline-not-allowed",
        "too-many-streams",
        "granted",
    ]


def test_a_grant_says_when_the_rights_end() -> None:
    asked = replace(ASKED, territory="DE")
    assert decide(asked, GERMANY, NOW) == Grant(FREE, NOW + HOUR)
    longer = replace(RIGHTS, windows=(*GERMANY.windows, Window("DE", NOW, NOW + 2 * HOUR)))
    assert decide(asked, longer, NOW) == Grant(FREE, NOW + 2 * HOUR)
    for_ever = replace(RIGHTS, windows=(*longer.windows, Window("DE", NOW, None)))
    assert decide(asked, for_ever, NOW) == Grant(FREE, None)
    assert decide(asked, RIGHTS, NOW) == Grant(FREE, None)


def test_every_reason_has_its_sentence() -> None:
    assert set(DETAILS) == set(Reason)
    assert all(Denial(one).detail.endswith(".") for one in Reason)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        (" fr ", "FR"),
        ("XK", "XK"),
        *((unknown, None) for unknown in ("XX", "T1", "ZZ", "EU", "UK", "", "DEU", "*")),
    ],
)
def test_territories(text: str, code: str | None) -> None:
    assert territory(text) == code


def test_there_are_as_many_territories_as_iso_has() -> None:
    assert len(TERRITORIES) == 249 + 1


def test_random_questions() -> None:
    """The short form of `scripts/fuzz/policy`."""
    answers, failures = policy_cases.run(20_000, seed=0)
    assert failures == []
    assert set(answers) == {"granted", *(one.value for one in Reason)}
