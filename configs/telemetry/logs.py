"""How lines of the log are written: for people, or as JSON lines for programs.

    text   2026-11-21 15:04:05,123 WARNING headwater.origin: storage not reachable [request 3f…]
    json   {"time": "2026-11-21T15:04:05.123Z", "level": "warning", "logger": "headwater.origin",
            "message": "storage not reachable", "request": "3f…"}

What a line is about (`configs.telemetry.context`) is in both. In JSON there is also what the
caller gave as `extra={"fields": {...}}`, such as the parts of an access line.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Literal

from configs.telemetry.context import about

LogFormat = Literal["text", "json"]

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s%(about)s"
_FIELDS = "fields"


def set_up(form: LogFormat = "text") -> None:
    """Write this process's log so, to stderr. May be called again, to change the format."""
    root = logging.getLogger()
    handler = next((one for one in root.handlers if isinstance(one, _Handler)), None)
    if handler is None:
        handler = _Handler()
        root.addHandler(handler)
    handler.setFormatter(_JsonLines() if form == "json" else logging.Formatter(_TEXT))


class _Handler(logging.StreamHandler):  # type: ignore[type-arg] # of whatever stderr is
    """Notes what a line is about when it is written, in the task that writes it."""

    def emit(self, record: logging.LogRecord) -> None:
        record.about = "".join(f" [{kind} {name}]" for kind, name in about().items())
        super().emit(record)


class _JsonLines(logging.Formatter):
    """One JSON object on one line, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, object] = getattr(record, _FIELDS, {})
        line: dict[str, object] = {
            "time": _instant(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            **about(),
            **fields,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _instant(created: float) -> str:
    """Unix seconds as RFC 3339, in UTC."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created))
    return f"{text}.{int(created % 1 * 1000):03d}Z"
