from __future__ import annotations

import hashlib
import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from pipeline.cover import BadCover, Cover, Resized, check_cover, resize_cover
from tests.support.masters import picture

MAX = 1 << 20


@pytest.mark.parametrize(("form", "ending"), [("JPEG", "jpg"), ("PNG", "png")])
def test_a_good_picture_is_named_by_its_content(form: str, ending: str) -> None:
    data = picture(80, 60, form)
    cover = check_cover(data, MAX)
    assert (cover.ending, cover.width, cover.height) == (ending, 80, 60)
    assert cover.sha256 == hashlib.sha256(data).hexdigest()
    assert "data" not in repr(cover)


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims a huge picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"no picture at all", "cannot be read"),
        (picture()[:-200], "cannot be read"),
        (picture(form="GIF"), "cannot be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read"),
        (bomb(7_000, 6_000), "larger than"),
        (bomb(100_000, 100_000), "larger than"),
        (picture() + bytes(MAX), "bytes"),
    ],
)
def test_a_bad_picture_is_refused(data: bytes, cause: str) -> None:
    with pytest.raises(BadCover, match=cause):
        check_cover(data, MAX)


def save(image: Image.Image, form: str = "JPEG", **options: object) -> Cover:
    file = io.BytesIO()
    image.save(file, form, **options)
    return check_cover(file.getvalue(), 40 << 20)


def opened(one: Resized) -> Image.Image:
    return Image.open(io.BytesIO(one.data))


def test_sizes_are_what_is_asked_for_and_nothing_is_enlarged() -> None:
    def sizes(width: int, height: int) -> list[tuple[int, int]]:
        made = resize_cover(save(Image.new("RGB", (width, height), "teal")))
        assert [opened(one).size for one in made] == [
            (one.picture.width, one.picture.height) for one in made
        ]
        return [(one.picture.width, one.picture.height) for one in made]

    assert sizes(3000, 3000) == [(96, 96), (320, 320), (640, 640), (1280, 1280)]
    assert sizes(2000, 1000) == [(96, 48), (320, 160), (640, 320), (1280, 640)]
    assert sizes(500, 500) == [(96, 96), (320, 320), (500, 500)]
    assert sizes(90, 2) == [(90, 2)]


def test_each_is_named_by_its_content_and_made_the_same_every_time() -> None:
    cover = save(Image.effect_noise((700, 700), 60).convert("RGB"))
    made = resize_cover(cover)
    assert made == resize_cover(cover)
    for one in made:
        assert one.picture.sha256 == hashlib.sha256(one.data).hexdigest()
        assert one.picture.size == len(one.data)
        assert opened(one).info.get("progressive")


def test_pictures_stand_upright_and_keep_no_metadata() -> None:
    image = Image.new("RGB", (400, 200), "red")
    image.paste("blue", (200, 0, 400, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: shown rotated 90 degrees clockwise
    exif[0x010F] = "A camera"
    (smallest, *_) = resize_cover(save(image, exif=exif, comment=b"secret"))
    shown = opened(smallest)
    assert (shown.width, shown.height) == (48, 96)
    top, bottom = shown.getpixel((24, 20)), shown.getpixel((24, 76))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 4 * top[2]
    assert bottom[2] > 4 * bottom[0]
    assert not shown.getexif()
    assert b"secret" not in smallest.data


@pytest.mark.parametrize(
    ("image", "form", "expected"),
    [
        (Image.new("CMYK", (200, 200), (255, 0, 0, 0)), "JPEG", (0, 255, 255)),
        (Image.new("L", (200, 200), 128), "JPEG", (128, 128, 128)),
        (Image.new("I;16", (200, 200), 128 * 257), "PNG", (128, 128, 128)),
        (Image.new("RGBA", (200, 200), (255, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("LA", (200, 200), (0, 255)), "PNG", (0, 0, 0)),
        (Image.new("P", (200, 200), 0), "PNG", (0, 0, 0)),
        (Image.new("1", (200, 200), 1), "PNG", (255, 255, 255)),
    ],
)
def test_every_kind_of_color_becomes_rgb(
    image: Image.Image, form: str, expected: tuple[int, int, int]
) -> None:
    (smallest, *_) = resize_cover(save(image, form))
    shown = opened(smallest)
    assert shown.mode == "RGB"
    pixel = shown.getpixel((48, 48))
    assert isinstance(pixel, tuple)
    assert pixel == pytest.approx(expected, abs=6)


def test_another_color_space_is_converted_and_a_broken_profile_passed_over() -> None:
    image = Image.new("RGB", (100, 100), "red")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A color space whose red is where sRGB has its blue.
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    for profile, expected in ((swapped, (0, 0, 255)), (srgb, (255, 0, 0)), (b"?", (255, 0, 0))):
        made, _ = resize_cover(save(image, icc_profile=profile))
        assert opened(made).getpixel((50, 50)) == pytest.approx(expected, abs=8)
        assert "icc_profile" not in opened(made).info
