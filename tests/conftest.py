"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import settings

# Real servers, each started for the first test that asks for it.
pytest_plugins = [
    "tests.servers.moto",
    "tests.servers.postgres",
    "tests.servers.rabbitmq",
    "tests.servers.redis",
    "tests.servers.rgw",
]

# A shared or busy machine is no reason to fail: no test here asserts a time.
settings.register_profile("headwater", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("headwater")

# Folders whose files take longest: side by side with all the rest, they come first.
_LONGEST = ("tests/fault/", "tests/scripts/", "tests/browser/", "tests/interop/", "tests/contract/")
# Whoever asks for these runs a real encoder.
_ENCODING_FIXTURES = frozenset(("any_tools", "tools", "house", "built_house"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what encodes as slow, which `scripts/test --quick` leaves out; the longest first."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
    for item in items:
        if _ENCODING_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
