"""The OpenAPI document is one, and the running server does what it says, whatever it is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from drm.access_token import AccessTokens
from drm.token_keys import TokenKeys
from origin.api.openapi import document
from origin.routes.openapi import ENDPOINTS
from tests.support import house as houses
from tests.support.house import House
from tests.support.origin_process import serving

# Ids that there are, so that not all is "not found".
_KNOWN = f"""
[parameters]
"path.track_id" = "{houses.TRACK}"
"path.release_id" = "{houses.RELEASE}"
"path.artist_id" = 1
"""


@dataclass(frozen=True)
class Served:
    """A running `headwater serve`, and a listener's header for it."""

    url: str
    authorization: str


@pytest.fixture(scope="module")
def served(built_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = houses.copy(built_house, tmp_path_factory.mktemp("api") / "home").root
    secrets = TokenKeys.open(home / "tokens.json", create=False)
    tokens = AccessTokens(secrets.access, issuer="headwater", audience="headwater")
    token = tokens.mint("listener", "premium", 3600)
    settings = {"HEADWATER_HOME": str(home), "HEADWATER_API__RATE_PER_MINUTE": "0"}
    with serving({**os.environ, **settings}) as url:
        yield Served(url, f"Bearer {token}")


@pytest.mark.server
def test_the_server_does_what_its_document_says(served: Served, tmp_path: Path) -> None:
    """Schemathesis makes requests of all kinds from the document, and weighs every answer."""
    config = tmp_path / "schemathesis.toml"
    config.write_text(_KNOWN)
    program = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config)]
    how = ["--checks", "all", "--max-examples", "4", "--seed", "1", "--generation-deterministic"]
    how += ["--phases", "coverage,fuzzing", "--header", f"Authorization:{served.authorization}"]
    done = subprocess.run(
        [*program, "run", *how, f"{served.url}/api/v1/openapi.json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr


def test_it_is_an_openapi_document() -> None:
    OpenAPIV31SpecValidator(document(ENDPOINTS, "https://music.example.com")).validate()
