"""Cover pictures: what is published is only what Pillow could read whole."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, field

from PIL import Image

from pipeline.errors import PipelineError

MAX_PIXELS = 40_000_000
# The file formats that players and pages show, and their object keys' endings.
_ENDINGS = {"JPEG": "jpg", "PNG": "png"}

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
