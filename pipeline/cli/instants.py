"""Instants as operators type them."""

from __future__ import annotations

from datetime import UTC, datetime

import click


def parse_instant(text: str, hint: str) -> datetime:
    """A date or an instant, ISO 8601, UTC unless it says otherwise; BadParameter for another."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no date or instant: write 2026-12-01 or 2026-12-01T00:00+01:00",
            param_hint=hint,
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
