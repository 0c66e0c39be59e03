"""One line per request, without what opens anything; and whoever counts requests is told."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from origin import request_ids
from origin.meters import Requests
from origin.paths import AUTH, PREFIX

LOGGER = logging.getLogger("headwater.access")


def access_logger(requests: Requests) -> type[AbstractAccessLogger]:
    """The class of which the server makes one for each connection."""

    class AccessLogger(AbstractAccessLogger):
        """`client "METHOD path" status bytes milliseconds`; INFO on `headwater.access`."""

        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            """Count a request that took `time` seconds, and write its line."""
            requests.observe(request, response, time)
            if self.logger.isEnabledFor(logging.INFO):
                _write(self.logger, request, response, time)

    return AccessLogger


def _write(
    logger: logging.Logger, request: web.BaseRequest, response: web.StreamResponse, time: float
) -> None:
    fields = {
        "client": request.remote or "-",
        "method": request.method,
        "path": redact(request.raw_path),
        "status": response.status,
        "bytes": response.body_length,
        "milliseconds": round(time * 1000, 1),
    }
    request_ids.begin(request)
    logger.info(
        '%(client)s "%(method)s %(path)s" %(status)d %(bytes)d %(milliseconds).1f',
        fields,
        extra={"fields": fields},
    )


def redact(target: str) -> str:
    """A request target without its token and its query, in printable ASCII."""
    path, _, _ = target.partition("?")
    for marker in (PREFIX, AUTH):
        before, prefix, rest = path.partition(marker)
        if prefix:
            _, slash, rest = rest.partition("/")
            path = f"{before}{prefix}-{slash}{rest}"
    return ascii(path)[1:-1]
