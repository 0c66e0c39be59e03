from __future__ import annotations

import pytest
from lxml import etree

from packager.addressing import Addressing
from packager.dash.render import mpd
from packager.model import Package, Scheme
from tests.packager.conftest import Encode
from tests.packager.dash.test_render import NS, SCHEMA
from tests.packager.packages import package, write
from tests.packager.text.packages import with_companions


@pytest.fixture
def one(encode: Encode) -> Package:
    return with_companions(write(encode("aac"), scheme=Scheme.CBCS)[0])


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"the MPEG-DASH schema is not at {SCHEMA}")
@pytest.mark.parametrize("addressing", Addressing)
def test_the_mpd_is_valid(one: Package, addressing: Addressing) -> None:
    tree = etree.fromstring(mpd(one, addressing=addressing).encode())
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(tree)


def test_each_synced_text_is_a_clear_set_of_one_file(one: Package) -> None:
    tree = etree.fromstring(mpd(one, media_base="../../").encode())
    sets = tree.findall(".//d:AdaptationSet[@contentType='text']", NS)
    assert [(each.get("id"), each.get("lang"), each.get("mimeType")) for each in sets] == [
        ("1", "en", "text/vtt"),
        ("2", "zh-Hant", "text/vtt"),
        ("3", None, "text/vtt"),
    ]
    assert sets[0].find("d:ContentProtection", NS) is None
    assert sets[0].findtext("d:Representation/d:BaseURL", None, NS) == "../../lyrics-en.vtt"


def test_the_cover_is_in_the_program_information(one: Package) -> None:
    text = mpd(one, picture_url=lambda picture: f"../../{picture.file}")
    tree = etree.fromstring(text.encode())
    found = tree.findall("d:ProgramInformation/{http://search.yahoo.com/mrss/}thumbnail", NS)
    assert [(each.get("url"), each.get("width"), each.get("height")) for each in found] == [
        ("../../cover-96x96.jpg", "96", "96"),
        ("../../cover-640x480.jpg", "640", "480"),
    ]


def test_without_companions_nothing_is_said(encode: Encode) -> None:
    text = mpd(package(write(encode("aac"))[0]))
    assert "thumbnail" not in text
    assert "text/vtt" not in text
