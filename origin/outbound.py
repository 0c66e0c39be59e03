"""Requests that we make: the one implementation of `drm.http_client.HttpClient`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Self

import aiohttp

from drm.http_client import HttpAnswer, HttpFailed

_MAX_BODY_BYTES = 4 << 20  # the largest is a CPIX document or a certificate list
_CHUNK_BYTES = 64 << 10


class OutboundClient:
    """Keeps connections open between requests; cookies are not kept, redirects not followed.

    The session is made with the first request, in the loop that sends it. To be closed. Servers
    have to show a certificate that the system's authorities (or `trust`) vouch for.
    """

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> HttpAnswer:
        """Return the answer. HttpFailed where there is none within the time, or a larger one."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._trust or True),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                data=body,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
            ) as response:
                data = await _body(response, url)
                fields = {name.lower(): value for name, value in response.headers.items()}
                return HttpAnswer(response.status, fields, data)
        except TimeoutError as exc:
            raise HttpFailed(url, f"no answer within {timeout_s:g} s") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:  # ValueError: not a URL
            # The class, not the text: that repeats the URL, which may carry a token.
            raise HttpFailed(url, type(exc).__name__) from exc

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            # TLS connections end one turn of the loop later.
            await asyncio.sleep(0)
            self._session = None


async def _body(response: aiohttp.ClientResponse, url: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        size += len(chunk)
        if size > _MAX_BODY_BYTES:
            raise HttpFailed(url, f"an answer of more than {_MAX_BODY_BYTES} bytes")
        parts.append(chunk)
    return b"".join(parts)
