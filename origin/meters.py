"""What one worker of the origin counts, and how: names, labels and help are Prometheus'.

A request is counted when its response is written (`Requests.observe`, called by the server for
each): a look-up and five additions. Of the hottest ones (`Requests.sent`) only number and size are
counted there; they join the others when somebody looks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from catalog.engine import Catalog
from configs.telemetry.series import Cell, Counter, Histogram, Kind, Meters
from configs.telemetry.sketches import Active
from origin import cmcd
from origin.cache import Cache
from origin.counters import Counters
from origin.load import Load
from origin.outage import Outage
from origin.paths import AUTH, LICENSE, PREFIX
from origin.pieces import Pieces
from origin.plain_head import PlainHead
from origin.quality import Asked
from origin.request_ids import ROUTE
from origin.shared import Shared

# Seconds. The server's clock, which these are measured by, has a grain of a millisecond.
_REQUEST_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PART_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_METHODS = frozenset(
    {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_PATCH}
    | {hdrs.METH_DELETE, hdrs.METH_OPTIONS}
)
# What the last part of a media path ends with, and what that is called.
_MEDIA = {
    "m4s": "segment",
    "mp4": "track_file",
    "m3u8": "manifest",
    "mpd": "manifest",
    "json": "manifest",
    "jpg": "cover",
    "png": "cover",
}
_HEARD = {"segment", "track_file", "init", "manifest"}
_TOKEN = len(PREFIX)  # where a media path's token begins


class Requests:
    """Requests by method, route and status; how long they took, and their bytes, by route."""

    def __init__(self, meters: Meters, listening: Active) -> None:
        self.note: Callable[[Asked], None] | None = None  # told of requests with a report
        self._meters = meters
        self._listening = listening
        self._count = meters.counter(
            "headwater_requests_total", "Requests answered.", "method", "route", "status"
        )
        self._seconds = meters.histogram(
            "headwater_request_seconds",
            "From the request's last header to the last byte of the response.",
            "route",
            bounds=_REQUEST_S,
        )
        self._bytes = meters.counter(
            "headwater_response_bytes_total", "Bytes of responses, heads included.", "route"
        )
        self._problems = meters.counter(
            "headwater_problems_total", "Refusals and failures by reason.", "route", "reason"
        )
        for route in (LICENSE, "hls_key"):  # one is alarming: it must be seen to rise
            self._problems.cell(route, "audit-unavailable")
        self._rows: dict[tuple[str, str, int], tuple[Cell, Cell, Cell]] = {}
        # Requests and bytes since the last look, by the path's last 4 letters and status.
        self._hot: dict[tuple[str, int], list[int]] = {}

    def sent(self, head: PlainHead, status: int, size: int) -> None:
        """Count a request for media that `origin.connection` answered: the hottest path.

        It took no time that the server's clock could measure. None of these is in the log of
        requests: where there is one, aiohttp answers.
        """
        hot = self._hot.get((head.path[-4:], status))
        if hot is None:
            hot = self._hot_row(head.path, status)
        hot[0] += 1
        hot[1] += size
        self._listening.see(head.token)
        if head.has_report:
            self._note(head.headers, head.raw_path)

    def observe(
        self, request: web.BaseRequest, response: web.StreamResponse, seconds: float
    ) -> None:
        """Count a request that was answered."""
        route = route_of(request)
        key = (request.method, route, response.status)
        row = self._rows.get(key)
        if row is None:
            row = self._row(key)
        count, duration, size = row
        count[0] += 1
        duration[bisect_left(_REQUEST_S, seconds)] += 1
        duration[-1] += seconds
        size[0] += response.body_length
        reason = getattr(response, "problem", None)  # also of a body that broke off
        if reason is not None or response.status >= 400:
            self._problems.up(route, reason or "none")
        elif route in _HEARD:
            target = request.raw_path
            self._listening.see(target[_TOKEN : target.find("/", _TOKEN)])
            if "CMCD=" in target or "CMCD-Session" in request.headers:
                self._note(request.headers, target)

    def _note(self, headers: Mapping[str, str], target: str) -> None:
        if self.note is None:
            return
        fields = [value for name in cmcd.HEADERS if (value := headers.get(name))]
        self.note(Asked(target, ",".join(fields) or None, headers.get("CDN-Loop")))

    def _hot_row(self, path: str, status: int) -> list[int]:
        """Where such requests are counted until the next look, which adds them to their series."""
        kind = path[-4:]
        route = _media_route(path)
        # The last four letters are not always enough: .mp4 is a file, or an init segment.
        is_told = kind.lstrip(".") in _MEDIA and kind != ".mp4"
        key = (kind if is_told else route, status)
        hot = self._hot.get(key)
        if hot is None:
            hot = self._hot[key] = [0, 0]
            self._meters.on_look(partial(_join, hot, self._row((hdrs.METH_GET, route, status))))
        return hot

    def _row(self, key: tuple[str, str, int]) -> tuple[Cell, Cell, Cell]:
        method, route, status = key
        named = method if method in _METHODS else "other"
        row = (
            self._count.cell(named, route, str(status)),
            self._seconds.cell(route),
            self._bytes.cell(route),
        )
        if named == method:  # else anybody could fill our memory with methods
            self._rows[key] = row
        return row


def _join(hot: list[int], row: tuple[Cell, Cell, Cell]) -> None:
    """Add to requests' series what was counted beside them: in the soonest of the buckets."""
    count, duration, sizes = row
    number, size = hot
    hot[:] = 0, 0
    count[0] += number
    duration[0] += number
    sizes[0] += size


def route_of(request: web.BaseRequest) -> str:
    """What is asked for, in one of few words: a media path's kind, or the route's pattern."""
    target = request.raw_path
    if target.startswith(PREFIX):
        return _media_route(target)
    if target.startswith(AUTH):
        return "edge_auth"
    if target.partition("?")[0] == LICENSE:  # it may have come by the shortcut, without a route
        return LICENSE
    route: str | None = request.get(ROUTE)
    return "none" if route is None else route  # none: it could not be read at all


def _media_route(target: str) -> str:
    path = target.partition("?")[0] if "?" in target else target
    kind = _MEDIA.get(path[path.rfind(".") + 1 :])
    if kind == "track_file" and path.endswith("/init.mp4"):
        return "init"
    if kind is None:
        return "hls_key" if path[-38:-32] == "/keys/" else "media"
    return kind


class OriginMeters:
    """All that one worker counts."""

    def __init__(self, shared: Shared) -> None:
        self.meters = meters = Meters()
        self.requests = Requests(meters, shared.listening)
        self.lag: Histogram = meters.histogram(
            "headwater_event_loop_lag_seconds",
            "How late the event loop was for a timer.",
            bounds=_LAG_S,
        )
        self.granted: Counter = meters.counter(
            "headwater_licenses_granted_total", "Licenses and keys given out.", "kind"
        )
        self.denied: Counter = meters.counter(
            "headwater_licenses_denied_total", "Licenses and keys refused.", "reason"
        )
        self.songs: Counter = meters.counter(
            "headwater_songs_streamed_total",
            "Songs that listeners began: renewals of a playback are not counted again.",
        )
        self._storage = meters.histogram(
            "headwater_storage_seconds",
            "How long the storage took to answer.",
            *("operation", "outcome"),
            bounds=_PART_S,
        )
        self._storage_bytes = meters.counter(
            "headwater_storage_bytes_total", "Bytes read from the storage."
        )
        self._catalog = meters.histogram(
            "headwater_catalog_seconds",
            "How long a transaction of the catalog took, from the wish for a connection.",
            *("operation", "outcome"),
            bounds=_PART_S,
        )
        self._connections = meters.gauge(
            "headwater_catalog_connections", "Connections to the database.", "server", "state"
        )
        self._connections_limit = meters.gauge(
            "headwater_catalog_connections_limit", "The most that there may be.", "server"
        )
        self._hits = meters.counter("headwater_cache_hits_total", "Found in memory.", "cache")
        self._misses = meters.counter("headwater_cache_misses_total", "Not found there.", "cache")
        self._evictions = meters.counter(
            "headwater_cache_evictions_total", "Left for something else.", "cache"
        )
        self._used = meters.gauge(
            "headwater_cache_used", "Cost of what is held: bytes, or entries.", "cache"
        )
        self._limit = meters.gauge("headwater_cache_limit", "The most that is held.", "cache")

    def storage(self, operation: str, outcome: str, seconds: float, size: int = 0) -> None:
        """Count something that the storage was asked for."""
        self._storage.observe(seconds, operation, outcome)
        if size:
            self._storage_bytes.up(by=size)

    def catalog(self, operation: str, outcome: str, seconds: float) -> None:
        """Count a transaction."""
        self._catalog.observe(seconds, operation, outcome)

    def watch_pieces(self, counters: Counters) -> None:
        """Tell where segments and the like came from that were not in memory."""
        meters = self.meters
        read = meters.counter(
            "headwater_pieces_read_total", "Segments and the like, by where they were.", "level"
        )
        size = meters.counter("headwater_pieces_read_bytes_total", "Their bytes.", "level")
        errors = meters.counter("headwater_pieces_errors_total", "Those that failed.", "level")
        early = meters.counter("headwater_pieces_early_total", "Read before they were asked for.")
        meters.follow(read, lambda: counters.disk_hits, "disk")
        meters.follow(size, lambda: counters.disk_bytes, "disk")
        meters.follow(errors, lambda: counters.disk_errors, "disk")
        meters.follow(read, lambda: counters.store_reads, "storage")
        meters.follow(size, lambda: counters.store_bytes, "storage")
        meters.follow(errors, lambda: counters.store_errors, "storage")
        meters.follow(early, lambda: counters.read_ahead)

    def watch_pools(self, catalog: Catalog) -> None:
        """Tell of the connections to the database."""

        def look() -> None:
            for server, use in catalog.pools().items():
                self._connections.put(use.in_use, server, "in_use")
                self._connections.put(use.open - use.in_use, server, "idle")
                self._connections_limit.put(use.limit, server)

        self.meters.on_look(look)

    def watch_staying_up(self, load: Load, outage: Outage, pieces: Pieces) -> None:
        """Tell of what is refused and cut off, and of parts that are away or lie."""
        meters = self.meters
        refused = meters.counter(
            "headwater_refused_total", "Requests and connections refused as too many."
        )
        cut = meters.counter("headwater_cut_off_total", "Clients cut off as too slow.")
        altered = meters.counter(
            "headwater_storage_altered_total", "Reads that gave other bytes than were stored."
        )
        meters.follow(refused, lambda: load.refused)
        meters.follow(cut, lambda: load.cut)
        meters.follow(altered, lambda: pieces.altered)
        away = meters.gauge(
            "headwater_catalog_away",
            "1 while what is known stands in for the catalog.",
            kind=Kind.MAX,
        )
        connections = meters.gauge("headwater_connections", "Connections of clients.")
        running = meters.gauge("headwater_requests_running", "Requests that are being answered.")
        unsent = meters.gauge("headwater_unsent_bytes", "Bytes that clients have not taken yet.")
        meters.on_look(lambda: away.put(float(outage.is_on)))
        meters.on_look(lambda: connections.put(load.connections))
        meters.on_look(lambda: running.put(load.running))
        meters.on_look(lambda: unsent.put(load.unsent_bytes))

    def watch_cache(self, name: str, cache: Cache[Any, Any]) -> None:
        """Tell of a cache, which counts for itself."""
        meters = self.meters
        meters.follow(self._hits, lambda: cache.hits, name)
        meters.follow(self._misses, lambda: cache.misses, name)
        meters.follow(self._evictions, lambda: cache.evictions, name)
        meters.on_look(lambda: self._used.put(cache.used, name))
        meters.on_look(lambda: self._limit.put(cache.limit, name))
