"""What the lines of a log are about: a request, a job. Each asyncio task has its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_about: ContextVar[Mapping[str, str]] = ContextVar("about")
_NOTHING: Mapping[str, str] = {}


def about() -> Mapping[str, str]:
    """What the current task works on, by kind: `{"request": id}`, `{"job": id}`."""
    return _about.get(_NOTHING)


def begin(**subjects: str) -> None:
    """From here to its end the current task is about these, too."""
    _about.set({**about(), **subjects})


@contextmanager
def working_on(**subjects: str) -> Iterator[None]:
    """Within the block it is about these, too; so are the tasks that are begun there."""
    token = _about.set({**about(), **subjects})
    try:
        yield
    finally:
        _about.reset(token)
