"""The packaged YAML shows what the code means."""

from __future__ import annotations

import re

import yaml

from configs.document import packaged, read_document
from configs.loading import setting_keys
from configs.settings import Settings


def test_headwater_yaml_holds_every_setting_at_its_default() -> None:
    text = packaged("headwater.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == Settings().model_dump(mode="json")


def test_every_setting_in_headwater_yaml_is_explained() -> None:
    document = read_document(packaged("headwater.yaml"))
    lines = packaged("headwater.yaml").read_text(encoding="utf-8").splitlines()
    for keys in setting_keys():
        number = document.lines[keys] - 1
        while not lines[number].lstrip().startswith("#"):  # a comment may speak of two settings
            assert lines[number].strip(), f"{keys} has no comment above it"
            number -= 1


def test_an_expression_of_bytes_in_a_comment_is_right() -> None:
    text = packaged("headwater.yaml").read_text(encoding="utf-8")
    mebibytes = re.search(r"at least (\d+) MiB \((\d+)\)", text)
    assert mebibytes is not None
    assert int(mebibytes[1]) << 20 == int(mebibytes[2])


def test_settings_cannot_be_changed_by_whoever_gets_them() -> None:
    assert all(
        section.model_config.get("frozen")
        for section in (Settings, *(type(one) for one in vars(Settings()).values()))
        if hasattr(section, "model_config")
    )
