"""Whatever we package, our own inspector finds nothing to say against it."""

from __future__ import annotations

import pytest

from packager.addressing import Addressing
from packager.check import Severity
from packager.hls.render import HlsForm
from packager.model import Scheme
from tests.packager.check.staged import KEYS, Stage, stage, staged
from tests.packager.conftest import Encode
from tests.packager.packages import SAMPLE_SCHEMES, write

CODECS = ("aac", "opus", "flac", "alac")


def _silent(one: Stage, *names: str) -> None:
    assert one.findings(*names) == ()


@pytest.mark.parametrize("addressing", Addressing)
@pytest.mark.parametrize("scheme", SAMPLE_SCHEMES)
def test_every_form_is_without_a_finding(
    encode: Encode, scheme: Scheme, addressing: Addressing
) -> None:
    for codec in CODECS:
        _silent(staged(encode, codec, scheme=scheme, addressing=addressing))


def test_all_codecs_in_one_package(encode: Encode) -> None:
    _silent(staged(encode, *CODECS, scheme=Scheme.CBCS, form=HlsForm.WEB))


@pytest.mark.parametrize("addressing", Addressing)
def test_whole_segment_encryption(encode: Encode, addressing: Addressing) -> None:
    _silent(
        staged(
            encode,
            *("aac", "flac"),
            scheme=Scheme.AES_128,
            form=HlsForm.AES_128,
            addressing=addressing,
        )
    )


def test_two_bit_rates_on_keys_of_their_own(encode: Encode) -> None:
    _silent(
        stage(
            {
                name: write(encode("aac"), name=name, scheme=Scheme.CENC, kid=kid, segment_s=2)
                for kid, name in enumerate(("low", "high"), 1)
            }
        )
    )


@pytest.mark.parametrize("rate", [96000, 192000])
def test_high_rates(encode: Encode, rate: int) -> None:
    high = write(encode("flac", rate=rate, seconds=2.5), name="flac", segment_s=1)
    _silent(stage({"flac": high}))


def test_without_keys_nothing_is_looked_into(encode: Encode) -> None:
    findings = staged(encode, "aac", scheme=Scheme.CBCS).findings(keys={})

    assert {finding.rule for finding in findings} == {"C1.key"}
    assert {finding.severity for finding in findings} == {Severity.NOTE}


@pytest.mark.parametrize("scheme", [Scheme.CBCS, Scheme.CENC, Scheme.AES_128])
@pytest.mark.parametrize("codec", CODECS)
def test_another_key_is_seen(encode: Encode, codec: str, scheme: Scheme) -> None:
    form = HlsForm.AES_128 if scheme is Scheme.AES_128 else HlsForm.IDENTITY
    package = staged(encode, codec, scheme=scheme, form=form)
    wrong = dict.fromkeys(KEYS, b"0123456789abcdef")

    assert "C1.frames" in {finding.rule for finding in package.findings(keys=wrong)}


def test_a_file_is_inspected_on_its_own(encode: Encode) -> None:
    _silent(staged(encode, "opus", scheme=Scheme.CENC), "opus.mp4")
