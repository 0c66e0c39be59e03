"""Traces, where the settings name a collector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configs.settings import MonitoringSettings
from configs.telemetry import tracing
from pipeline.cli.output import Failure


@asynccontextmanager
async def traces(settings: MonitoringSettings, service: str) -> AsyncIterator[None]:
    """Within the block spans are made and sent; the last ones at its end."""
    if settings.traces_url is None:
        yield
        return
    try:
        end = tracing.begin(settings.traces_url, service, settings.traces_ratio)
    except tracing.TracingUnavailable as exc:
        raise Failure(f"monitoring.traces_url: {exc}") from exc
    try:
        yield
    finally:
        await asyncio.to_thread(end)
