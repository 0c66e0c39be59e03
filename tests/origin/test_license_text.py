"""What licenses write in the audit by hand is what its encoder writes."""

from __future__ import annotations

import pytest

from catalog.audit_batches import text_of
from drm.model import Stream
from origin.auth import Grant
from origin.routes.license import given_text

_KIDS = ["0" * 32, "f" * 32]


@pytest.mark.parametrize("kids", [_KIDS[:1], _KIDS])
@pytest.mark.parametrize("stream", [None, Stream("a_-0" * 4, "s"), Stream('"\\\u00e9', "")])
def test_the_text_of_what_was_given_is_the_encoders(kids: list[str], stream: Stream | None) -> None:
    grant = Grant("tracks/t/", frozenset(), 0.0, stream=stream)
    assert given_text(grant, kids) == text_of({**grant.bearer, "kids": kids, "given": kids})
