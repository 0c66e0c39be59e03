"""What an inspection says, and the rules that say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


class Severity(StrEnum):
    """How bad it is. ERROR breaks players or the specification, NOTE is for information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands."""

    file: str  # address of the file
    path: str = ""  # box path, tag or element
    offset: int | None = None  # bytes from the start of the file


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule found; the rule adds its own id and clause."""

    place: Place
    text: str  # what is wrong
    remedy: str  # what to do about it
    severity: Severity | None = None  # None: the rule's


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem together with the rule that it breaks."""

    rule: str
    severity: Severity
    file: str
    path: str
    offset: int | None
    clause: str
    problem: str
    remedy: str
    answers: str  # the report of other packagers' users that the rule answers, if there is one


S = TypeVar("S")
Check = Callable[[S], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """One thing that is checked: a small function with an id."""

    id: str
    severity: Severity
    clause: str
    answers: str
    check: Check[S]

    @property
    def title(self) -> str:
        """What has to be so, in a sentence."""
        return self.check.__doc__ or ""

    def run(self, subject: S) -> Iterator[Finding]:
        """Every finding of the rule about one subject."""
        for problem in self.check(subject):
            yield self.finding(problem)

    def finding(self, problem: Problem) -> Finding:
        """A problem in the rule's name."""
        place = problem.place
        return Finding(
            rule=self.id,
            severity=problem.severity or self.severity,
            file=place.file,
            path=place.path,
            offset=place.offset,
            clause=self.clause,
            problem=problem.text,
            remedy=problem.remedy,
            answers=self.answers,
        )


class Rules(Generic[S]):
    """The rules about one kind of subject, in the order they were written."""

    def __init__(self) -> None:
        self.all: list[Rule[S]] = []

    def rule(
        self, rule_id: str, severity: Severity, clause: str, *, answers: str = ""
    ) -> Callable[[Check[S]], Check[S]]:
        """Decorator: the function becomes the rule of that id."""

        def add(check: Check[S]) -> Check[S]:
            self.all.append(Rule(rule_id, severity, clause, answers, check))
            return check

        return add

    def run(self, subject: S) -> Iterator[Finding]:
        """Every finding of every rule about one subject."""
        for one in self.all:
            yield from one.run(subject)
