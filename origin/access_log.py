"""One line per request, without what opens anything."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from origin.paths import PREFIX

LOGGER = logging.getLogger("headwater.access")


class AccessLogger(AbstractAccessLogger):
    """`client "METHOD path" status bytes milliseconds`; INFO on `headwater.access`."""

    @property
    def enabled(self) -> bool:
        """Whether anybody reads it; if not, requests are not even timed."""
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line of one request that took `time` seconds."""
        self.logger.info(
            '%s "%s %s" %d %d %.1f',
            request.remote or "-",
            request.method,
            redact(request.raw_path),
            response.status,
            response.body_length,
            time * 1000,
        )


def redact(target: str) -> str:
    """A request target without its token and its query, in printable ASCII."""
    path, _, _ = target.partition("?")
    before, prefix, rest = path.partition(PREFIX)
    if prefix:
        _, slash, rest = rest.partition("/")
        path = f"{before}{prefix}-{slash}{rest}"
    return ascii(path)[1:-1]
