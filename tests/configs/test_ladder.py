"""The ladder: the default one is the issue's, and wrong ones are refused with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.ladder import check_downloads, check_subscriptions, load_ladder
from configs.settings import IngestSettings, Settings


def test_the_packaged_ladder_is_the_agreed_one() -> None:
    ladder = load_ladder(None)
    assert ladder.tiers == ("standard", "premium", "lossless")
    assert [(one.name, one.codec, one.bitrate_bps, one.tier) for one in ladder.rungs] == [
        ("aac-64k", "aac", 64_000, "standard"),
        ("opus-96k", "opus", 96_000, "standard"),
        ("aac-128k", "aac", 128_000, "standard"),
        ("aac-320k", "aac", 320_000, "premium"),
        ("flac", "flac", None, "lossless"),
    ]
    assert [one.name for one in ladder.rungs if one.coder == "fast"] == ["aac-128k"]


def test_the_default_subscriptions_fit_the_packaged_ladder() -> None:
    check_subscriptions(load_ladder(None), Settings().drm.subscriptions)


def test_a_subscription_to_an_unknown_tier_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"drm\.subscriptions\.free: value 'gold' is not allow"):
        check_subscriptions(load_ladder(None), {"free": ("gold",)})


def test_a_download_of_an_unknown_tier_is_refused_where_there_are_any() -> None:
    ladder = load_ladder(None)
    check_downloads(ladder, IngestSettings(progressive="mp3"))
    check_downloads(ladder, IngestSettings(progressive_bps={"gold": 128_000}))
    with pytest.raises(ConfigError, match=r"ingest\.progressive_bps: value 'gold' is not allowed"):
        check_downloads(ladder, IngestSettings(progressive="m4a", progressive_bps={"gold": 96_000}))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("tiers: [a]\nrungs:\n- {name: X, codec: flac, tier: a}\n", 3, "rungs[0].name: value 'X'"),
        (
            "tiers: [a]\nrungs:\n- name: x\n  codec: mp3\n  tier: a\n",
            4,
            "rungs[0].codec: value 'mp3' is not allowed: aac, opus or flac",
        ),
        ("tiers: [a]\nrungs:\n- {name: x, codec: flac}\n", 3, "rungs[0].tier: is missing"),
        (
            "tiers: [a]\nrungs:\n- {name: x, codec: flac, coder: fast, tier: a}\n",
            3,
            "rungs[0]: x: coder is for aac, not for flac",
        ),
        (
            "tiers: [a]\nrungs:\n- {name: x, codec: flac, bitrate_bps: 9, tier: a}\n",
            3,
            "rungs[0]: x: flac is lossless and takes no bitrate_bps",
        ),
        (
            "tiers: [a]\nrungs:\n- {name: x, codec: aac, tier: a}\n",
            3,
            "rungs[0]: x: aac needs a bitrate_bps from 16000 to 512000",
        ),
        (
            "tiers: [a]\nrungs:\n- {name: x, codec: opus, bitrate_bps: 128, tier: a}\n",
            3,
            "rungs[0]: x: opus needs a bitrate_bps from 6000 to 510000",
        ),
        (
            "tiers: [a]\nrungs:\n- {name: x, codec: flac, tier: a, bitrate: 9}\n",
            3,
            "rungs[0].bitrate: is not a setting: did you mean bitrate_bps? allowed: name, codec",
        ),
        (
            (
                "tiers: [a, b]\nrungs:\n- {name: x, codec: flac, tier: c}\n"
                "- {name: x, codec: flac, tier: a}\n"
            ),
            1,
            "x is named twice; x: c is not one of the tiers a, b; tier b has no rendition",
        ),
        ("tiers: [a, a]\nrungs:\n- {name: x, codec: flac, tier: a}\n", 1, "tier a is named twice"),
        ("tiers: []\nrungs: []\n", 1, "tiers: value [] is not allowed: a list"),
        ("tiers: [a]\n", 1, "rungs: is missing"),
        ("- a\n", 1, "is not a mapping of tiers, rungs"),
        (
            "tiers: [a]\nrungs:\n- {name: x, codec: aac, bitrate_bps: true, tier: a}\n",
            3,
            "rungs[0].bitrate_bps: value True is not allowed: a whole number, or null",
        ),
    ],
)
def test_a_wrong_ladder_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, problem: str
) -> None:
    file = tmp_path / "ladder.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_ladder(file)
    assert any(one.startswith(f"{file}:{line}: {problem}") for one in caught.value.problems)


def test_a_missing_ladder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        load_ladder(tmp_path / "none.yaml")


def test_an_empty_ladder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ladder.yaml"
    file.write_text("")
    with pytest.raises(ConfigError, match="tiers: is missing"):
        load_ladder(file)
