"""The composition root of who does the work: settings become a courier."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.engine import Catalog
from configs.settings import JobSettings
from pipeline.executors import Courier
from pipeline.submission import Submitter


def make_courier(settings: JobSettings) -> Courier | None:
    """Who tells the workers; None where they look into the catalog by themselves."""
    if settings.executor == "local":
        return None
    from pipeline.executors.celery import CeleryCourier, make_app  # noqa: PLC0415 - an extra

    return CeleryCourier(make_app(settings))


def make_submitter(settings: JobSettings, catalog: Catalog) -> Submitter:
    """The way in for whoever wants a master to be ingested soon."""
    return Submitter(catalog, lambda: datetime.now(UTC), make_courier(settings))
