"""What one worker carries at a time, and how much that may be: beyond it, it refuses in time.

Refusing costs microseconds and no memory; a request that waits costs both. Three things are
bounded: connections; requests whose answers wait for storage or catalog; bytes that clients were
sent and do not take. What is answered from memory is never more than one at a time.
"""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from configs.settings import OriginSettings
from origin import headers
from origin.wire import head

_LOG = logging.getLogger("headwater.origin")

_OTHER_FILES = 256  # descriptors beside those of connections: storage, catalog, logs
_LINGERING = 1024  # refused connections that may wait at a time for their 503 to be read, at most
_LINGERING_SHARE = 8  # and no more than one of so many that the system allows
_RETRY_S = 2
_FEW = "only %d connections at a time: the system allows %d open files (ulimit -n)"

_BODY = (
    b'{"type": "urn:headwater:problem:overloaded", "title": "Too much at once", "status": 503, '
    b'"reason": "overloaded"}'
)
REFUSAL_HEAD: Final = head(
    503,
    {
        hdrs.CONTENT_TYPE: "application/problem+json",
        hdrs.CONTENT_LENGTH: str(len(_BODY)),
        hdrs.RETRY_AFTER: str(_RETRY_S),
        hdrs.CACHE_CONTROL: headers.NO_STORE,
        **headers.SHARED,
    },
)
REFUSAL_BODY: Final = _BODY


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one worker."""

    connections: int
    lingering: int  # refused connections, beside those
    requests: int  # that are being answered
    unsent_bytes: int
    header_s: float  # from the first byte of a request, or from the connection, to the head's end
    body_s: float  # during which not one byte of a body comes that is not whole
    send_s: float  # during which a client takes too little of what it was sent

    @classmethod
    def of(cls, settings: OriginSettings) -> Limits:
        """Those of the settings; no more connections than the system lets a process have."""
        _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
        connections, lingering = settings.max_connections, _LINGERING
        most = most_files - _OTHER_FILES
        if most_files != resource.RLIM_INFINITY and connections + lingering > most:
            lingering = min(lingering, max(0, most) // _LINGERING_SHARE)
            if connections + lingering > most:
                connections = max(1, most - lingering)
                _LOG.warning(_FEW, connections, most_files)
        return cls(
            connections=connections,
            lingering=lingering,
            requests=settings.max_requests,
            unsent_bytes=settings.max_unsent_bytes,
            header_s=settings.header_timeout_s,
            body_s=settings.body_timeout_s,
            send_s=settings.send_timeout_s,
        )


class Load:
    """One worker's. Handlers count here; `is_calm` is the one thing that a hot request looks at."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.connections = 0
        self.lingering = 0
        self.running = 0  # requests, until their answers are ready to be sent
        self.unsent_bytes = 0  # at the last look
        self.refused = 0  # requests and connections, since the start
        self.cut = 0  # connections of clients that were too slow, since the start
        self.is_calm = True
        self._is_draining = False

    @property
    def is_draining(self) -> bool:
        """Whether this worker is about to end: each answer closes its connection."""
        return self._is_draining

    def drain(self) -> None:
        """From now on."""
        self._is_draining = True
        self.is_calm = False

    def note_unsent(self, size: int) -> None:
        """What clients have not taken yet, all together."""
        self.unsent_bytes = size
        self.is_calm = not self._is_draining and size <= self.limits.unsent_bytes

    @property
    def is_too_much(self) -> bool:
        """Whether another request is to be refused."""
        limits = self.limits
        return self.running >= limits.requests or self.unsent_bytes > limits.unsent_bytes

    def refuse(self) -> None:
        """Count one."""
        self.refused += 1

    @property
    def may_linger(self) -> bool:
        """Whether a refused connection may stay for a second, so that its 503 is read."""
        return self.lingering < self.limits.lingering


LOAD: web.AppKey[Load] = web.AppKey("load", Load)


def raise_file_limit() -> None:
    """Let this process, and those that it forks, have as many files open as the system allows."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
