from __future__ import annotations

import pytest

from configs.ladder import Ladder, Rung, load_ladder
from packager.model import Codec, Scheme
from pipeline.ladder import choose, notes_on, recipe_sha256
from pipeline.sound import Sound

LADDER = load_ladder(None)


def sound(
    rate: int = 44_100, *, bits: int = 16, channels: int = 2, floating: bool = False
) -> Sound:
    return Sound("wav", "pcm", rate, channels, bits, floating, rate * 3)


def rates(master: Sound) -> dict[str, int]:
    return {spec.name: spec.sample_rate_hz for spec in choose(master, LADDER)}


@pytest.mark.parametrize(
    ("source", "aac"),
    [
        (44_100, 44_100),
        (48_000, 48_000),
        (88_200, 44_100),
        (96_000, 48_000),
        (176_400, 44_100),
        (192_000, 48_000),
    ],
)
def test_aac_stays_in_the_family_opus_is_48_and_flac_is_the_source(source: int, aac: int) -> None:
    assert rates(sound(source)) == {
        "aac-64k": aac,
        "aac-128k": aac,
        "aac-320k": aac,
        "opus-96k": 48_000,
        "flac": source,
    }


@pytest.mark.parametrize(
    ("bits", "floating", "kept"),
    [(16, False, 16), (20, False, 24), (24, False, 24), (32, False, 32), (32, True, 24)],
)
def test_flac_keeps_the_depth_of_integers(bits: int, floating: bool, kept: int) -> None:  # noqa: FBT001 - a table
    flac = choose(sound(bits=bits, floating=floating), LADDER)[-1]
    assert (flac.codec, flac.bit_depth) == (Codec.FLAC, kept)


def test_an_encoder_that_ends_at_24_bits_is_noted() -> None:
    master = sound(bits=32)
    specs = choose(master, LADDER, deepest_flac_bits=24)
    assert specs[-1].bit_depth == 24
    assert notes_on(master, specs) == ("32-bit integer master: flac has 24 bits",)


def test_mono_stays_mono_at_half_the_bit_rate() -> None:
    specs = choose(sound(channels=1), LADDER)
    assert {spec.channels for spec in specs} == {1}
    assert [spec.bitrate_bps for spec in specs if spec.name == "aac-320k"] == [160_000]


def test_a_rung_may_end_below_the_source() -> None:
    rung = Rung(name="cd", codec="flac", tier="low", max_sample_rate_hz=48_000)
    (spec,) = choose(sound(176_400), Ladder(tiers=("low",), rungs=(rung,)))
    assert (spec.sample_rate_hz, spec.resampled) == (44_100, True)


def test_expected_length_is_rounded_up() -> None:
    spec = next(one for one in choose(sound(), LADDER) if one.codec is Codec.OPUS)
    assert spec.samples_of(220_623, 44_100) == 240_134
    assert spec.samples_of(44_100, 44_100) == 48_000


def test_what_the_lossless_rendition_loses_is_noted() -> None:
    floating = sound(bits=32, floating=True)
    assert notes_on(floating, choose(floating, LADDER)) == (
        "32-bit float master: flac has 24 bits",
    )
    assert "may clip" in notes_on(floating, choose(floating, LADDER), 0.5)[-1]
    assert notes_on(sound(bits=24), choose(sound(bits=24), LADDER), 0.5) == ()


def test_recipe_follows_everything_that_shapes_the_files() -> None:
    specs = choose(sound(), LADDER)
    one = recipe_sha256(specs, Scheme.CBCS, 4.0)
    assert one == recipe_sha256(choose(sound(), LADDER), Scheme.CBCS, 4.0)
    assert one != recipe_sha256(specs, Scheme.CENC, 4.0)
    assert one != recipe_sha256(specs, Scheme.CBCS, 5.0)
    assert one != recipe_sha256(specs[:-1], Scheme.CBCS, 4.0)
    assert one != recipe_sha256(specs, Scheme.CBCS, 4.0, companions=("lyrics en 1234",))
