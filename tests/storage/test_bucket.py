"""What a range's answer must be, and how a bucket's own rules are joined with others'."""

from __future__ import annotations

import pytest

from storage import bucket_rules
from storage.base import ByteRange
from storage.bucket import S3Failure, whole_size


@pytest.mark.parametrize(
    ("said", "span", "got", "size"),
    [
        (None, None, 7, 7),
        ("bytes 0-9/100", ByteRange(0, 10), 10, 100),
        ("bytes 90-99/100", ByteRange(90, 120), 10, 100),  # as far as it goes
    ],
)
def test_an_answer_tells_the_objects_size(
    said: str | None, span: ByteRange | None, got: int, size: int
) -> None:
    assert whole_size("here", said, span, got) == size


@pytest.mark.parametrize(
    ("said", "got"),
    [
        ("bytes 0-9/100", 9),
        ("bytes 0-8/100", 9),
        ("bytes 1-10/100", 10),
        ("bytes 0-9/5", 10),
        ("bytes 0-99/100", 100),
    ],
)
def test_another_range_than_was_asked_for_is_no_answer(said: str, got: int) -> None:
    with pytest.raises(S3Failure, match="another range") as caught:
        whole_size("here", said, ByteRange(0, 10), got)
    assert caught.value.transient


@pytest.mark.parametrize("said", [None, "", "bytes 0-9/*", "bytes */100", "items 0-9/100"])
def test_a_server_that_knows_no_ranges_is_refused(said: str | None) -> None:
    with pytest.raises(S3Failure, match="ignores ranges") as caught:
        whole_size("here", said, ByteRange(0, 10), 10)
    assert not caught.value.transient


def test_rules_of_others_stay_and_ours_are_replaced() -> None:
    theirs = {"ID": "theirs", "Status": "Enabled"}
    older = {"ID": "headwater-claims", "Status": "Disabled"}
    ours = bucket_rules.lifecycle("media/")
    assert bucket_rules.merged([older, theirs], ours) == [theirs, *ours]


def test_no_rule_of_ours_removes_an_object() -> None:
    for prefix in ("", "media/"):
        for rule in bucket_rules.lifecycle(prefix):
            expires = "Expiration" in rule
            assert not expires or rule["Filter"]["Prefix"] == f"{prefix}.claims/"
