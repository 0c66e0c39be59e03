"""The album's front cover: a river of contour lines between misty ridges, drawn by code."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from scripts.demo_album.album import ALBUM

SIDE = 1400  # pixels
_SEED = 7
_SKY = ((16, 24, 48), (44, 62, 96), (122, 110, 128), (226, 158, 120), (250, 210, 160))
_FAR, _NEAR = np.array((150, 138, 150)), np.array((10, 22, 36))
_SUN = (0.64, 0.36, 0.085)  # center and radius, fractions of the side

Plane = NDArray[np.float32]


def draw() -> bytes:
    """The cover as a JPEG."""
    canvas = _sky()
    horizon = 0.47
    for layer in range(6):
        _ridge(canvas, layer, horizon + 0.035 * layer**1.25)
    _water(canvas, 0.72)
    grain = np.random.default_rng(_SEED).normal(0, 2.2, (SIDE, SIDE, 1)).astype(np.float32)
    pixels = np.clip(canvas + grain, 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels, "RGB")
    _letter(image)
    out = BytesIO()
    image.save(out, "JPEG", quality=90, subsampling=0, optimize=True)
    return out.getvalue()


def _gradient(stops: tuple[tuple[int, int, int], ...], at: Plane) -> Plane:
    places = np.linspace(0, 1, len(stops))
    bands = [np.interp(at, places, [stop[band] for stop in stops]) for band in range(3)]
    return np.stack(bands, axis=-1).astype(np.float32)


def _grid() -> tuple[Plane, Plane]:
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    x, y = np.meshgrid(axis, axis)
    return x.astype(np.float32), y.astype(np.float32)


def _sky() -> Plane:
    x, y = _grid()
    canvas = _gradient(_SKY, np.clip(y / 0.52, 0, 1))
    sun_x, sun_y, radius = _SUN
    away = np.hypot(x - sun_x, y - sun_y)
    glow = np.exp(-((away / 0.28) ** 2)) * 0.5 + np.exp(-((away / 0.13) ** 2)) * 0.25
    disc = np.clip((radius - away) * SIDE / 2 + 0.5, 0, 1)
    light = np.array((255, 232, 190), dtype=np.float32)
    for strength in (glow, disc * 0.92):
        canvas += (light - canvas) * strength[..., None].astype(np.float32)
    return canvas


def _rough(count: int, seed: int, octaves: int, first: float) -> Plane:
    """A skyline: octaves of smooth noise, each half as high and twice as busy, -1 to 1."""
    hand = np.random.default_rng(seed)
    at = np.linspace(0, 1, count)
    out = np.zeros(count)
    for octave in range(octaves):
        knots = int(first * 2**octave) + 3
        heights = hand.uniform(-1, 1, knots)
        place = at * (knots - 1)
        left = np.minimum(place.astype(int), knots - 2)
        turn = (1 - np.cos(np.pi * (place - left))) / 2
        out += (heights[left] * (1 - turn) + heights[left + 1] * turn) / 2 ** (octave * 0.95)
    return (out / 1.9).astype(np.float32)


def _ridge(canvas: Plane, layer: int, height: float) -> None:
    """One range of hills: its edge, its color by distance, mist rising in it."""
    _, y = _grid()
    near = layer / 5
    skyline = height - (0.075 - 0.006 * layer) * _rough(SIDE, 100 + layer, 7, 3 + layer)
    # A valley for the river to come through.
    middle = np.exp(-(((np.linspace(0, 1, SIDE) - 0.56) / (0.1 + 0.05 * near)) ** 2))
    skyline = skyline + (0.07 * near * middle).astype(np.float32)
    inside = np.clip((y - skyline[None, :]) * SIDE, 0, 1)[..., None]
    color = (_FAR + (_NEAR - _FAR) * near**0.7).astype(np.float32)
    mist = np.clip((y - skyline[None, :]) / 0.11, 0, 1)[..., None] ** 1.5 * (0.55 - 0.45 * near)
    shade = color + (np.array((236, 190, 160), dtype=np.float32) - color) * mist.astype(np.float32)
    canvas += (shade - canvas) * inside.astype(np.float32)


def _water(canvas: Plane, shore: float) -> None:
    """The river: the sky upside down, cut into by lines that flow like contours on a map."""
    x, y = _grid()
    bank = shore + 0.007 * _rough(SIDE, 300, 6, 4)
    depth = np.clip((y - bank[None, :]) / (1 - shore), 0, 1).astype(np.float32)
    inside = np.clip((y - bank[None, :]) * SIDE, 0, 1)[..., None]
    mirrored = _gradient(
        ((232, 176, 140), (128, 112, 132), (44, 64, 98), (14, 26, 46)), depth**0.75
    )
    column = np.exp(-(((x - _SUN[0]) / (0.05 + 0.16 * depth)) ** 2)) * np.exp(-depth * 2.6)
    mirrored += (np.array((255, 226, 178)) - mirrored) * (column * 0.75)[..., None]
    flow = _field(x, depth)
    phase = flow * 26 + depth**0.6 * 16
    crest = np.abs(((phase % 1) + 1) % 1 - 0.5) * 2
    slope = np.hypot(*np.gradient(phase)) + 1e-4
    line = np.clip(1.4 - (1 - crest) / slope / 1.15, 0, 1)
    mirrored += (np.array((255, 236, 206)) - mirrored) * (line * (0.16 + 0.34 * column))[..., None]
    canvas += (mirrored.astype(np.float32) - canvas) * inside.astype(np.float32)


def _field(x: Plane, depth: Plane) -> Plane:
    """A smooth field, stretched along the current and bent by itself."""
    hand = np.random.default_rng(_SEED)
    bend = np.zeros_like(x)
    out = np.zeros_like(x)
    for octave in range(4):
        turns, tilt, start, other = hand.uniform((1.0, 2.0, 0, 0), (2.2, 5.0, 6.3, 6.3))
        scale = 2.0**octave
        bend += np.sin(scale * (turns * 3 * x + tilt * depth) + start + bend) / scale
        out += np.sin(scale * (turns * 2 * x - tilt * depth) + other + 1.3 * bend) / scale
    return out * np.float32(0.16)


def _letter(image: Image.Image) -> None:
    """Title and artist, top left, letters well apart."""
    pen = ImageDraw.Draw(image)
    _spaced(pen, (96, 92), ALBUM.title.upper(), 92, 26, (255, 240, 222))
    _spaced(pen, (101, 212), ALBUM.artist.upper(), 30, 11, (232, 208, 196))


def _spaced(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    size: int,
    gap: int,
    color: tuple[int, int, int],
) -> None:
    font = ImageFont.load_default(size)
    x = float(at[0])
    for letter in text:
        pen.text((x, at[1]), letter, fill=color, font=font)
        x += pen.textlength(letter, font=font) + gap
