"""A vendor in the same process: the logic of our own server behind the client protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drm import speke
from drm.cpix import Recipients
from drm.http_client import HttpAnswer, HttpFailed
from drm.model import ContentKey
from drm.speke_client import SpekeClient
from packager.model import Kid
from packager.pssh import System
from packager.systems import KeySystems

URL = "https://keys.example.com/speke"
ALL = (System.WIDEVINE, System.PLAYREADY, System.FAIRPLAY)
IV = b"fedcba9876543210"


@dataclass
class Provider:
    """A vendor: our own server's logic behind the client protocol, and a way to spoil it."""

    spoil: Callable[[bytes], bytes] = lambda body: body
    change: Callable[[HttpAnswer], HttpAnswer | None] = lambda answer: answer
    recipients: Recipients | None = None
    fixed_key: bytes | None = None
    asked: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    given: dict[Kid, ContentKey] = field(default_factory=dict)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> HttpAnswer:
        assert (method, url) == ("POST", URL)
        assert timeout_s > 0
        assert body is not None
        self.asked.append(headers)
        self.bodies.append(body)
        version = headers["X-Speke-Version"]
        asked = speke.parse_request(body, version)
        keys = {
            one.kid: ContentKey(one.kid, self.fixed_key or one.kid.value[::-1], IV)
            for one in asked.wanted
        }
        self.given |= keys
        systems = KeySystems(widevine_provider="vendor", playready_la_url="https://example.com/pr")
        filled = speke.answer(asked, keys, systems, self.recipients, datetime.now(UTC))
        answer = HttpAnswer(200, {"x-speke-version": version}, self.spoil(filled))
        changed = self.change(answer)
        if changed is None:
            raise HttpFailed(url, "no answer within 10 s")
        return changed

    def client(self, **changes: object) -> SpekeClient:
        values: dict[str, object] = {
            "http": self,
            "url": URL,
            "version": "2.0",
            "systems": ALL,
            "pauses_s": (0.0, 0.0),
        }
        return SpekeClient(**(values | changes))  # type: ignore[arg-type]  # by name
