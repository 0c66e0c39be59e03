"""A running origin that takes uploads, and a label that sends them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drm.access_token import JOBS_READ, UPLOADS_WRITE, AccessTokens
from drm.token_keys import TokenKeys
from tests.support.origin_process import serving

ROOT = Path(__file__).parents[2]
DONE_S = 180.0
UPLOADS = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass(frozen=True)
class Answered:
    """A whole response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["reason"])

    @property
    def offset(self) -> int:
        return int(self.headers["Upload-Offset"])


@dataclass
class Label:
    """Somebody who uploads; each request has a connection of its own."""

    url: str
    token: str

    def connect(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        return HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def ask(
        self,
        method: str,
        where: str,
        body: bytes | None = None,
        headers: Mapping[str, object] | None = None,
        **named: object,
    ) -> Answered:
        """`where` is a path, or a URL of this origin; an underscore in a name is a hyphen."""
        more = {name.replace("_", "-"): value for name, value in named.items()}
        sent = {name: str(value) for name, value in {**(headers or {}), **more}.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        connection = self.connect()
        try:
            connection.request(method, where.removeprefix(self.url), body, sent)
            return whole(connection.getresponse())
        finally:
            connection.close()

    def create(self, size: int, **fields: str) -> Answered:
        """Begin an upload by tus."""
        return self.ask(
            "POST", UPLOADS, headers=TUS, Upload_Length=size, Upload_Metadata=metadata(fields)
        )

    def begin(self, size: int, **fields: str) -> str:
        """The same, where it is let."""
        answer = self.create(size, **fields)
        assert answer.status == 201, answer
        return answer.headers["Location"]

    def append(self, url: str, offset: int, body: bytes, **headers: object) -> Answered:
        return self.ask("PATCH", url, body, CHUNK, Upload_Offset=offset, **headers)

    def head(self, url: str) -> Answered:
        return self.ask("HEAD", url, headers=TUS)

    def send(self, data: bytes, **fields: str) -> Answered:
        """A whole upload by tus, in one piece; the answer to its last byte."""
        return self.append(self.begin(len(data), **fields), 0, data)

    def form(self, data: bytes, name: str = "a.flac", **fields: str) -> Answered:
        """A whole upload as a form."""
        boundary = "----of-the-form"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body = "".join(parts).encode() + head.encode() + b"Content-Type: audio/flac\r\n\r\n"
        body += data + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        return self.ask("POST", UPLOADS, body, Content_Type=kind)

    def job_done(self, url: str) -> Any:
        """The job, once it is over."""
        deadline = time.monotonic() + DONE_S
        while time.monotonic() < deadline:
            job = self.ask("GET", url).json
            if job["finished_at"]:
                return job
            time.sleep(0.2)
        raise AssertionError(job)

    def events(self, url: str, last_id: str | None = None) -> tuple[int, list[dict[str, str]]]:
        """The status, and all events until the server ends them."""
        connection = self.connect()
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        connection.request("GET", url.removeprefix(self.url), headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        blocks = [block.splitlines() for block in text.split("\n\n") if block]
        return response.status, [
            dict(line.split(": ", 1) for line in block)
            for block in blocks
            if any(line.startswith("data") for line in block)
        ]


@dataclass
class Place:
    """A HOME whose origin takes uploads."""

    home: Path
    url: str
    tokens: AccessTokens

    def label(
        self, name: str = "label:north", *, scopes: tuple[str, ...] = (UPLOADS_WRITE,)
    ) -> Label:
        return Label(self.url, self.tokens.mint(name, "-", 3600, scopes=scopes))

    def operator(self) -> Label:
        return self.label("operator", scopes=(JOBS_READ,))

    def listener(self) -> Label:
        return Label(self.url, self.tokens.mint("listener", "premium", 3600))

    @property
    def kept(self) -> list[str]:
        """The uploads that something is left of."""
        folder = self.home / "uploads"
        return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


@contextmanager
def taking_uploads(home: Path, settings: Mapping[str, object], *flags: str) -> Iterator[Place]:
    """`headwater serve` with these settings of uploads, until the end of the block."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "headwater.yaml"
    config.write_text(json.dumps({"jobs": {"min_free_bytes": 0}, "uploads": dict(settings)}))
    secrets = TokenKeys.open(home / "tokens.json", create=True)
    tokens = AccessTokens(secrets.access, issuer="headwater", audience="headwater")
    environment = {**os.environ, "HEADWATER_HOME": str(home), "HEADWATER_CONFIG": str(config)}
    with serving(environment, *flags) as url:
        yield Place(home, url, tokens)


def tus_js(**given: object) -> tuple[int, Any]:
    """Run tus-js-client; its exit code, and what it saw."""
    node = shutil.which("node")
    assert node, "there is no node: run `scripts/setup test`, which brings it"
    command = [node, str(ROOT / "tests/support/tus_upload.mjs"), json.dumps(given)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def metadata(fields: Mapping[str, str]) -> str:
    return ",".join(
        f"{key} {base64.b64encode(one.encode()).decode()}" for key, one in fields.items()
    )


def whole(response: HTTPResponse) -> Answered:
    return Answered(response.status, dict(response.getheaders()), response.read())
