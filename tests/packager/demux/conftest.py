from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.streams import encode_stream

Stream = Callable[[str], Path]


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """A real encoder's file by its name in `tests.support.streams.STREAMS`, made once."""
    folder = tmp_path_factory.mktemp("streams")
    return lambda name: encode_stream(folder, name)
