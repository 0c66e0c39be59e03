"""What listening was like, from what players report: startup, stalls, bitrates.

Sums by rendition and CDN; of a single listener nothing is kept but a row of numbers, in memory
that the workers share, as long as it plays. What players tell in event mode (CMCD v2) is taken as
they say it; where there are requests only (v1), it is worked out from them:

    startup   from a session's first request to the first that is no longer urgent (`su`)
    played    media asked for, less what is in the buffer (`bl`)
    stalled   what is missing of the time between two requests, where the buffer ran dry (`bs`)

Nobody is believed more time than has passed since they were first heard of.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from configs.telemetry.series import Meters
from configs.telemetry.sketches import Rows
from origin import cmcd, paths
from origin.cache import Cache
from origin.cmcd import MalformedReport, Report
from origin.paths import MediaSegment, TrackFile

_MOST_WAITING = 8192  # reports of requests, until the next beat; more are counted only
_LONGEST_MS = 120_000  # between two reports of a session that plays
_LONGEST_START_S = 120.0
_REMEMBERED = 8192  # sessions whose rendition is known, for their events
_STARTUP_S = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 60.0)
_KBPS = (64.0, 128.0, 256.0, 512.0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3)
_UNKNOWN, _OTHER, _NONE = "unknown", "other", "none"


class _Word(IntEnum):
    """What a session's row holds. Times are milliseconds."""

    FIRST = 0  # heard of, by our clock
    LAST = 1  # asked for media, by our clock
    MEDIA = 2  # asked for altogether
    PLAYHEAD = 3  # of it, when LAST was
    STARTED = 4  # 1: its startup was counted
    EVENTS = 5  # 1: it sends events that say its state
    TOLD = 6  # the last event, by the player's clock
    STATE = 7  # then; a letter's code
    BELIEVED = 8  # time that was counted
    BEGAN = 9  # to start, by the player's clock


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with a report, as it was noted."""

    target: str
    fields: str | None  # the header fields with the report, where it came so
    cdn: str | None  # what the CDN calls itself. RFC 8586


class Quality:
    """One worker's sums."""

    def __init__(
        self,
        meters: Meters,
        rows: Rows,
        renditions: Collection[str],
        cdns: Mapping[str, Collection[str]],
    ) -> None:
        """`renditions` are those there are, `cdns` has the hosts of each CDN."""
        self._rows = rows
        self._renditions = renditions
        self._cdns = {host: name for name, hosts in cdns.items() for host in (name, *hosts)}
        self._waiting: deque[Asked] = deque(maxlen=_MOST_WAITING)
        self._heard: Cache[str, tuple[str, str]] = Cache(_REMEMBERED)
        where = ("rendition", "cdn")
        self.reports = meters.counter(
            "headwater_cmcd_reports_total", "Reports of players (CMCD).", "mode", "outcome"
        )
        self._startup = meters.histogram(
            "headwater_qoe_startup_seconds",
            "From the wish to hear something to the first sound.",
            "cdn",
            bounds=_STARTUP_S,
        )
        self._played = meters.counter("headwater_qoe_played_seconds_total", "Played.", *where)
        self._stalled = meters.counter(
            "headwater_qoe_stalled_seconds_total", "Waited for media while playing.", *where
        )
        self._stalls = meters.counter(
            "headwater_qoe_stalls_total", "Times that the buffer ran dry.", *where
        )
        self._media = meters.counter(
            "headwater_qoe_media_seconds_total", "Media that was asked for.", *where
        )
        self._bits = meters.counter(
            "headwater_qoe_media_bits_total", "Its bits, by the bitrate that was told.", *where
        )
        self._throughput = meters.histogram(
            "headwater_qoe_throughput_kbps", "As players measured it.", "cdn", bounds=_KBPS
        )
        self._errors = meters.counter(
            "headwater_qoe_errors_total", "Errors that players told of.", "cdn"
        )

    def note(self, asked: Asked) -> None:
        """Keep a request until `work`: whoever asked does not wait for it."""
        if len(self._waiting) == _MOST_WAITING:
            self.reports.up("request", "dropped")
        self._waiting.append(asked)

    def work(self, most: int) -> bool:
        """Read some of what was noted; False when there is no more."""
        for _ in range(min(most, len(self._waiting))):
            asked = self._waiting.popleft()
            target, _, query = asked.target.partition("?")
            try:
                report = cmcd.parse(asked.fields) if asked.fields else cmcd.of_query(query)
            except MalformedReport:
                self.reports.up("request", "malformed")
                continue
            if report is not None:
                self.reports.up("request", "read")
                self.requested(report, _rendition(target), asked.cdn)
        return bool(self._waiting)

    def requested(self, report: Report, rendition: str | None, cdn: str | None) -> None:
        """A request that was answered, and what the player said with it."""
        where = (self._named(rendition), self._cdn(report.cdn, cdn))
        now = _now_ms()
        row = None if report.session is None else self._rows.of(report.session)
        if row is not None and not row[_Word.FIRST]:
            row[_Word.FIRST] = now
        if rendition is None or not report.duration_ms:  # a manifest, an init segment
            return
        self._count_media(report, where)
        if row is None or report.session is None:
            return
        self._heard.put(report.session, where)
        if not row[_Word.EVENTS]:  # else those tell more
            self._follow(report, row, where, now)

    def told(self, report: Report) -> None:
        """An event of a player, in the order in which it happened."""
        if report.session is None:
            return
        row = self._rows.of(report.session)
        now = _now_ms()
        row[_Word.FIRST] = row[_Word.FIRST] or now
        if report.state is not None:
            row[_Word.EVENTS] = 1
        where = self._heard.get(report.session) or (_UNKNOWN, self._cdn(report.cdn))
        if report.event == "rr" and report.url is not None:
            where = self._received(report, report.url, where)
            self._heard.put(report.session, where)
        if report.event == "e":
            self._errors.up(where[1])
        if report.start_delay_ms is not None:
            self._started(row, where, report.start_delay_ms)
        self._pass_time(report, row, where, now)

    def _received(self, report: Report, url: str, where: tuple[str, str]) -> tuple[str, str]:
        """A response of which a player tells: where it came from, and of which rendition."""
        try:
            parts = urlsplit(url)
        except ValueError:  # of a host in brackets
            return where
        rendition = _rendition(parts.path)
        found = (
            where[0] if rendition is None else self._named(rendition),
            self._cdn(report.cdn, parts.hostname),
        )
        if report.status is not None and report.status >= 400:
            self._errors.up(found[1])
        return found

    def _count_media(self, report: Report, where: tuple[str, str]) -> None:
        seconds = (report.duration_ms or 0) / 1000
        self._media.up(*where, by=seconds)
        if report.bitrate_kbps is not None:
            self._bits.up(*where, by=report.bitrate_kbps * 1000 * seconds)
        if report.throughput_kbps is not None:
            self._throughput.observe(report.throughput_kbps, where[1])

    def _follow(self, report: Report, row: memoryview, where: tuple[str, str], now: int) -> None:
        """Work out, from one request for media to the next, what happened in between."""
        playhead = max(0, row[_Word.MEDIA] - int(report.buffer_ms or 0))
        if row[_Word.LAST] and row[_Word.STARTED]:
            passed = now - row[_Word.LAST]
            played = min(max(0, playhead - row[_Word.PLAYHEAD]), passed)
            if passed <= _LONGEST_MS:
                self._played.up(*where, by=played / 1000)
                if report.is_starved:
                    self._stalls.up(*where)
                    self._stalled.up(*where, by=(passed - played) / 1000)
        if report.start_delay_ms is not None or not report.is_startup:
            worked_out = now - row[_Word.FIRST]
            self._started(row, where, report.start_delay_ms or worked_out)
        row[_Word.LAST] = now
        row[_Word.PLAYHEAD] = playhead
        row[_Word.MEDIA] += int(report.duration_ms or 0)

    def _started(self, row: memoryview, where: tuple[str, str], delay_ms: float) -> None:
        """Count a session's startup, once; one that was not seen from its beginning not at all."""
        if not row[_Word.STARTED]:
            row[_Word.STARTED] = 1
            if 0 < delay_ms / 1000 <= _LONGEST_START_S:
                self._startup.observe(delay_ms / 1000, where[1])

    def _pass_time(self, report: Report, row: memoryview, where: tuple[str, str], now: int) -> None:
        """Count the time since the event before, for the state that the player was in."""
        if report.at_ms is None:
            return
        before, told = chr(row[_Word.STATE]), int(report.at_ms)
        if not row[_Word.BEGAN] or (report.state == "s" and not before.isalpha()):
            row[_Word.BEGAN] = told
        if report.state == "p":
            self._started(row, where, told - row[_Word.BEGAN])
        passed = told - row[_Word.TOLD]
        if row[_Word.TOLD] and 0 < passed <= _LONGEST_MS and before in "pr":
            believed = row[_Word.BELIEVED] + passed
            if believed <= now - row[_Word.FIRST] + _LONGEST_MS:
                row[_Word.BELIEVED] = believed
                (self._played if before == "p" else self._stalled).up(*where, by=passed / 1000)
        if report.state == "r" and before == "p":
            self._stalls.up(*where)
        if passed > 0:
            row[_Word.TOLD] = told
            row[_Word.STATE] = ord(report.state[0]) if report.state else row[_Word.STATE]

    def _named(self, rendition: str | None) -> str:
        if rendition is None:
            return _UNKNOWN
        return rendition if rendition in self._renditions else _OTHER

    def _cdn(self, *said: str | None) -> str:
        """The CDN that one of these words names; "none" where nothing was said."""
        words = [word for word in said if word]
        named = (self._cdns[word] for word in words if word in self._cdns)
        return next(named, _OTHER if words else _NONE)


def _rendition(target: str) -> str | None:
    """The rendition of which a media path is."""
    split = paths.split_token(target)
    media = None if split is None else paths.parse(split[1])
    return media.rendition if isinstance(media, (MediaSegment, TrackFile)) else None


def _now_ms() -> int:
    return int(time.monotonic() * 1000)
