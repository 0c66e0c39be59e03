"""Cover pictures: what is published is only what Pillow could read whole.

The original is kept as it came. Players are given JPEGs made of it, in the sizes that they ask
for: upright, in sRGB, and without the metadata that cameras and editors leave in pictures.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageCms, ImageOps

from packager.model import Picture
from pipeline.errors import PipelineError

MAX_PIXELS = 40_000_000
# The file formats that players and pages show, and their object keys' endings.
_ENDINGS = {"JPEG": "jpg", "PNG": "png"}

# The longer side, pixels: a list's thumbnail, a phone, a desktop, a lock screen or a television.
SIZES = (96, 320, 640, 1280)
_JPEG = {
    "quality": 85,
    # Smaller, and seen as a whole before it is there as a whole.
    "progressive": True,
    "optimize": True,
}

# Pillow only warns of a picture above its limit: here that is an error.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class BadCover(PipelineError):
    """The picture cannot be shown. The track goes on without it."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture that was read whole."""

    data: bytes = field(repr=False)
    sha256: str
    ending: str  # "jpg" or "png"
    width: int  # pixels
    height: int


def check_cover(data: bytes, max_bytes: int) -> Cover:
    """The picture as a value. The format is what its bytes say. Raises BadCover.

    Pillow looks at the size in the header before it decodes a pixel; a JPEG is decoded at an
    eighth of its size, which reads all of its bytes and costs little.
    """
    if len(data) > max_bytes:
        raise BadCover(f"the cover has {len(data)} bytes, {max_bytes} are allowed")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_ENDINGS)) as picture:
            width, height = picture.size
            ending = _ENDINGS[picture.format or ""]
            picture.draft("RGB", (max(1, width // 8), max(1, height // 8)))
            picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise BadCover(f"the cover is larger than {MAX_PIXELS} pixels") from exc
    except Exception as exc:  # Pillow's decoders raise almost anything for broken bytes
        raise BadCover(f"the cover cannot be read: {exc}") from exc
    return Cover(data, hashlib.sha256(data).hexdigest(), ending, width, height)


@dataclass(frozen=True, slots=True)
class Resized:
    """The cover in one size."""

    picture: Picture
    data: bytes = field(repr=False)


def resize_cover(cover: Cover, sizes: tuple[int, ...] = SIZES) -> tuple[Resized, ...]:
    """The cover in these sizes, smallest first; never enlarged. Raises BadCover.

    A cover smaller than the largest size is also there at its own. Blocking, and up to a second
    for the largest pictures.
    """
    try:
        with Image.open(io.BytesIO(cover.data), formats=tuple(_ENDINGS)) as source:
            # A JPEG is decoded at the smallest of its fractions that is large enough.
            source.draft(None, (max(sizes) * 2, max(sizes) * 2))
            upright = ImageOps.exif_transpose(source)
            picture = _in_srgb(upright)
    except Exception as exc:  # Pillow's decoders raise almost anything for broken bytes
        raise BadCover(f"the cover cannot be resized: {exc}") from exc
    longest = max(cover.width, cover.height)
    wanted = sorted({min(size, longest) for size in sizes})
    return tuple(_resized(picture, size) for size in wanted)


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Eight bits of red, green and blue; what is transparent is white."""
    if picture.mode.startswith("I"):  # 16-bit gray, which `convert` would clip
        picture = picture.point(lambda value: value / 257).convert("L")
    if picture.mode in {"P", "PA", "LA"}:
        picture = picture.convert("RGBA")
    profile = picture.info.get("icc_profile")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colors = picture.convert("RGB") if alpha else picture
    if profile:
        colors = _converted(colors, profile)
    colors = colors.convert("RGB")
    if alpha is None:
        return colors
    return Image.composite(colors, Image.new("RGB", colors.size, "white"), alpha)


def _converted(picture: Image.Image, profile: bytes) -> Image.Image:
    """From its own color space; a profile that cannot be used is as if there were none."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return converted or picture


def _resized(picture: Image.Image, longest: int) -> Resized:
    scale = longest / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    smaller = picture.resize(size, Image.Resampling.LANCZOS)
    smaller.info = {}  # what is in it would be written: comments, a profile that holds no longer
    file = io.BytesIO()
    smaller.save(file, "JPEG", **_JPEG)
    data = file.getvalue()
    return Resized(Picture(*size, len(data), hashlib.sha256(data).hexdigest()), data)
