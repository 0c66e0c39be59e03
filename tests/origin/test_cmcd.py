"""What players say of themselves, as CTA-5004 writes it, and as nobody should."""

from __future__ import annotations

import string
import time
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin import cmcd
from origin.cmcd import MalformedReport, Report

# CTA-5004, clause 5: its own examples; and what three players sent to us.
CASES = {
    "boolean, integer, string": (
        'br=3200,bs,d=4004,mtp=25400,nor="..%2F300kbps%2Fsegment35.m4v",ot=v,sid="6e2fb550-c457"',
        Report(
            session="6e2fb550-c457",
            object_type="v",
            bitrate_kbps=3200,
            duration_ms=4004,
            throughput_kbps=25400,
            is_starved=True,
        ),
    ),
    "false is left out, a decimal, a key of a service's own": (
        'pr=1.08,su,com.example-myString="a,b=\\"c\\"",com.example-n=500',
        Report(is_startup=True),
    ),
    "inner lists: the audio's, else the first": (
        'bl=(0;v 2100;a),br=(98;a),mtp=(3300),ot=a,sid="x",sta=p,v=2',
        Report(
            version=2,
            session="x",
            object_type="a",
            bitrate_kbps=98,
            buffer_ms=2100,
            throughput_kbps=3300,
            state="p",
        ),
    ),
    "a list of strings, an empty list": ('nor=("a b" "c)";r="0-9"),ec=(),v=2', None),
    "an event": (
        'cdn="far",e=rr,msd=631,rc=404,sn=6,ts=1795276718304,url="https://cdn.example/a.mp4",v=2',
        Report(
            version=2,
            start_delay_ms=631,
            event="rr",
            at_ms=1795276718304,
            cdn="far",
            url="https://cdn.example/a.mp4",
            status=404,
        ),
    ),
    "what cannot be is left out": (
        f'br=-5,d=1e9,bl=999999999999,sid="{"x" * 65}",ot=Video,sta=7,v=0,bs=?1',
        Report(),
    ),
    "the last of two": ("d=1,d=2", Report(duration_ms=2)),
    "nothing": ("", Report()),
}


@pytest.mark.parametrize("name", CASES)
def test_reports_are_read(name: str) -> None:
    text, report = CASES[name]
    if report is None:
        with pytest.raises(MalformedReport):
            cmcd.parse(text)
    else:
        assert cmcd.parse(text) == report


@pytest.mark.parametrize(
    "text",
    ["=1", "a=1,,b", 'a="x', "a=(1", "a=1\nb=2", "é", "a" * 5000, "1a", "a=((1))"],
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(MalformedReport):
        cmcd.parse(text)


def test_as_a_query_argument() -> None:
    text = 'd=4004,sid="a&b=c"'
    query = f"x=1&CMCD={quote(text)}&y=CMCD"
    assert cmcd.of_query(query) == Report(session="a&b=c", duration_ms=4004)
    assert cmcd.of_query("x=1&cmcd=d%3D1") is None
    with pytest.raises(MalformedReport):
        cmcd.of_query("CMCD=" + "%41" * 5000)


_TEXTS = st.text(alphabet=string.ascii_letters + string.digits + '"\\(),;=-._ %?*', max_size=300)


@given(_TEXTS)
def test_whatever_comes_is_a_report_or_refused(text: str) -> None:
    try:
        report = cmcd.parse(text)
    except MalformedReport:
        return
    assert report.session is None or len(report.session) <= 64
    assert report.bitrate_kbps is None or 1 <= report.bitrate_kbps <= 1e6


@given(
    numbers=st.dictionaries(
        st.sampled_from(["br", "d", "mtp"]), st.integers(min_value=1, max_value=10**6), max_size=3
    ),
    session=st.text(alphabet=string.printable[:95], min_size=1, max_size=30),
    is_starved=st.booleans(),
)
def test_what_is_written_as_the_clause_says_comes_back(
    numbers: dict[str, int], session: str, *, is_starved: bool
) -> None:
    escaped = session.replace("\\", "\\\\").replace('"', '\\"')
    parts = [f"{key}={value}" for key, value in numbers.items()] + [f'sid="{escaped}"']
    report = cmcd.of_query("CMCD=" + quote(",".join(parts + ["bs"] * is_starved)))
    assert report is not None
    assert report.session == session
    assert report.is_starved is is_starved
    assert report.bitrate_kbps == numbers.get("br")
    assert report.throughput_kbps == numbers.get("mtp")


@pytest.mark.parametrize("piece", ['"', "(", "a=", 'a="\\', "a=(;", ",", "a=( ", 'a=("" '])
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 4096)[:4096]
    began = time.perf_counter()
    with suppress(MalformedReport):
        cmcd.parse(text)
    assert time.perf_counter() - began < 0.1
