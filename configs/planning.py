"""What `headwater plan` reckons with: measured constants, assumptions, prices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from configs.document import packaged, read_document
from configs.errors import ConfigError
from configs.problems import problems
from configs.setting_kinds import Number
from configs.settings import Section

Positive = Annotated[Number, Field(gt=0)]
Part = Annotated[Number, Field(gt=0, le=1)]


class Measured(Section):
    """What the benchmarks measure, on one core."""

    encode_cpu_s_per_s: Positive
    media_requests_per_core: Positive
    manifest_requests_per_core: Positive
    license_requests_per_core: Positive
    catalog_bytes_per_track: Positive


class Assumed(Section):
    """What nobody can measure for somebody else."""

    song_s: Positive
    songs_per_release: Positive
    flac_bps: Positive
    master_bps: Positive
    streams_by_rendition: dict[str, Annotated[Number, Field(ge=0, le=1)]]
    mean_to_peak: Part
    zipf_s: Annotated[Number, Field(gt=0, le=3)]
    utilization: Part
    copies: Annotated[Number, Field(ge=1)]

    @model_validator(mode="after")
    def _shares_are_of_one(self) -> Self:
        total = sum(self.streams_by_rendition.values())
        if abs(total - 1) > 0.001:
            msg = f"streams_by_rendition adds up to {total:g}, not to 1"
            raise ValueError(msg)
        return self


class Prices(Section):
    """Prices in one currency."""

    currency: str = Field(max_length=8)
    storage_gb_month: Annotated[Number, Field(ge=0)]
    archive_gb_month: Annotated[Number, Field(ge=0)]
    write_requests_1000: Annotated[Number, Field(ge=0)]
    read_requests_1000: Annotated[Number, Field(ge=0)]
    cdn_gb: Annotated[Number, Field(ge=0)]
    origin_gb: Annotated[Number, Field(ge=0)]
    core_hour: Annotated[Number, Field(ge=0)]


class Planning(Section):
    """All of it."""

    measured: Measured
    assumed: Assumed
    prices: Prices


def load_planning(path: Path | None) -> Planning:
    """Read them (None: the packaged ones); ConfigError carries every problem there is."""
    document = read_document(path or packaged("planning.yaml"))
    try:
        return Planning.model_validate(document.value if document.value is not None else {})
    except ValidationError as exc:
        raise ConfigError(problems(exc, Planning, document.where)) from exc
