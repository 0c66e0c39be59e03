"""The ladder: which renditions a master may get, and which tier each belongs to.

What a master does get is decided by `pipeline.ladder`: never more than its source has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from configs.document import packaged as packaged_file
from configs.document import read_document
from configs.errors import ConfigError
from configs.problems import problems
from configs.setting_kinds import Name, Whole
from configs.settings import IngestSettings, Section

# Bits per second of the whole rendition. AAC-LC: below 16k nothing is worth hearing, above 512k
# the standard's own limit for stereo at 44.1 kHz (529k) is near. Opus: RFC 6716, 2.1.1.
_BITRATES = {"aac": (16_000, 512_000), "opus": (6_000, 510_000)}

_Rendition = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=40,
        description="a name like aac-128k: lower case, digits, single dashes",
    ),
]


class Rung(Section):
    """One rendition of the ladder."""

    name: _Rendition
    codec: Literal["aac", "opus", "flac"]
    bitrate_bps: Whole | None = None  # None: lossless, as many as it takes
    tier: Name
    # How ffmpeg's AAC encoder looks for the best quantization; None: twoloop. See docs/encoders.md.
    coder: Literal["twoloop", "fast"] | None = None
    # A master above this rate is resampled to the best rate of its own family that is not above.
    # None: aac 48000, opus always 48000, flac the master's own.
    max_sample_rate_hz: Whole | None = Field(default=None, ge=8_000, le=384_000)

    @model_validator(mode="after")
    def _bitrate_suits_the_codec(self) -> Self:
        if self.coder is not None and self.codec != "aac":
            msg = f"{self.name}: coder is for aac, not for {self.codec}"
            raise ValueError(msg)
        if self.codec == "flac":
            if self.bitrate_bps is not None:
                msg = f"{self.name}: flac is lossless and takes no bitrate_bps"
                raise ValueError(msg)
            return self
        low, high = _BITRATES[self.codec]
        if self.bitrate_bps is None or not low <= self.bitrate_bps <= high:
            msg = f"{self.name}: {self.codec} needs a bitrate_bps from {low} to {high}"
            raise ValueError(msg)
        return self


class Ladder(Section):
    """Tiers, lowest first, and the renditions in them."""

    tiers: tuple[Name, ...] = Field(min_length=1)
    rungs: tuple[Rung, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_one_of_a_kind_and_known(self) -> Self:
        wrong = [f"tier {name} is named twice" for name in _twice(self.tiers)]
        wrong += [f"{name} is named twice" for name in _twice(one.name for one in self.rungs)]
        wrong += [
            f"{one.name}: {one.tier} is not one of the tiers {', '.join(self.tiers)}"
            for one in self.rungs
            if one.tier not in self.tiers
        ]
        empty = [tier for tier in self.tiers if all(one.tier != tier for one in self.rungs)]
        wrong += [f"tier {tier} has no rendition" for tier in empty]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def load_ladder(path: Path | None) -> Ladder:
    """Read a ladder (None: the packaged one); ConfigError carries every problem there is."""
    document = read_document(path or packaged_file("ladder.yaml"))
    try:
        return Ladder.model_validate(document.value if document.value is not None else {})
    except ValidationError as exc:
        raise ConfigError(problems(exc, Ladder, document.where)) from exc


def check_subscriptions(ladder: Ladder, subscriptions: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse subscriptions that open tiers which the ladder does not have."""
    wrong = [
        f"drm.subscriptions.{name}: value {tier!r} is not allowed: a tier of the ladder: "
        + ", ".join(ladder.tiers)
        for name, tiers in subscriptions.items()
        for tier in tiers
        if tier not in ladder.tiers
    ]
    if wrong:
        raise ConfigError(wrong)


def check_downloads(ladder: Ladder, ingest: IngestSettings) -> None:
    """Refuse plain downloads of tiers that the ladder does not have, where there are to be any."""
    tiers = () if ingest.progressive == "none" else ingest.progressive_bps
    wrong = [
        f"ingest.progressive_bps: value {tier!r} is not allowed: a tier of the ladder: "
        + ", ".join(ladder.tiers)
        for tier in tiers
        if tier not in ladder.tiers
    ]
    if wrong:
        raise ConfigError(wrong)


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
