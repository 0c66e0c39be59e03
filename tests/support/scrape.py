"""What a Prometheus would read."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """The samples of one answer of /metrics."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in families for sample in family.samples]

    @property
    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}

    def of(self, name: str, **labels: str) -> float:
        """The sum of the samples with that name and these labels."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and _has(sample.labels, labels)
        )


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())


def scrape(address: str) -> Scrape:
    """Ask once."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        return Scrape(answer.read().decode())
