"""Figures in the words of Prometheus: a custom collector of prometheus-client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from configs.telemetry.series import Family, Kind


class FamilyCollector(Collector):
    """Families, as they are when they are asked for."""

    def __init__(self, families: Callable[[], Iterable[Family]]) -> None:
        self._families = families

    def describe(self) -> list[Metric]:
        """Nothing beforehand."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Each family that has been counted in, and those without labels."""
        for family in self._families():
            if not family.labels:
                family.cell()
            yield metric(family)


def metric(family: Family) -> Metric:
    """A family as prometheus-client's."""
    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, cell in family.cells.items():
            bounds = [*map(str, family.bounds), "+Inf"]
            counts = accumulate(cell[:-1])
            buckets = list(zip(bounds, counts, strict=True))
            histogram.add_metric(labels, buckets, cell[-1])
        return histogram
    plain = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    values = plain(family.name, family.help, labels=family.labels)
    for labels, cell in family.cells.items():
        values.add_metric(labels, cell[0])
    return values


def exposition(families: Iterable[Family], accept: str) -> tuple[bytes, str]:
    """The text of a scrape and its media type, in the format that the Accept header asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FamilyCollector(lambda: families))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
