"""Lines and bars as SVG, without a library. Colors are the page's, by class. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 14, 46
_ROW = 30


@dataclass(frozen=True, slots=True)
class Line:
    """Points that are joined, or marked one by one."""

    name: str
    points: Sequence[tuple[float, float]]
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: what it says, and how far it goes."""

    label: str
    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """From 0 at its beginning to 1 at its end."""
        if self.is_log:
            value, low, high = (math.log10(one) for one in (value, self.low, self.high))
            return (value - low) / (high - low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round values on it."""
        if self.is_log:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        step = _round_step((self.high - self.low) / 5)
        count = math.floor(self.high / step + 1e-9)
        return [step * number for number in range(math.ceil(self.low / step), count + 1)]


def chart(
    title: str, across: Axis, up: Axis, lines: Sequence[Line], *, here: float | None = None
) -> str:
    """Lines over two axes; `here` is marked by a line from top to bottom."""
    inner_w, inner_h = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + across.place(value) * inner_w

    def y(value: float) -> float:
        return _TOP + (1 - up.place(value)) * inner_h

    parts = [_open(_HEIGHT, title)]
    for tick in up.ticks():
        at = f"{y(tick):.1f}"
        parts.append(f'<path class="grid" d="M{_LEFT} {at}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="tick end" x="{_LEFT - 8}" y="{y(tick) + 4:.1f}">{short(tick)}</text>'
        )
    for tick in across.ticks():
        at = f"{x(tick):.1f}"
        parts.append(f'<path class="grid" d="M{at} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        parts.append(
            f'<text class="tick mid" x="{at}" y="{_HEIGHT - _BOTTOM + 17}">{short(tick)}</text>'
        )
    if here is not None:
        parts.append(f'<path class="here" d="M{x(here):.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
    for number, line in enumerate(lines, 1):
        places = [(x(a), y(b)) for a, b in line.points]
        if line.is_marked:
            parts += [
                f'<circle class="m{number}" cx="{a:.1f}" cy="{b:.1f}" r="4.5"/>' for a, b in places
            ]
        else:
            path = "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
            parts.append(f'<path class="l{number}" d="M{path}"/>')
    parts.append(
        f'<text class="label mid" x="{_LEFT + inner_w / 2}" y="{_HEIGHT - 8}">'
        f"{escape(across.label)}</text>"
    )
    parts.append(
        f'<text class="label mid" transform="translate(14 {_TOP + inner_h / 2}) rotate(-90)">'
        f"{escape(up.label)}</text></svg>"
    )
    legend = "".join(
        f'<span><i class="k{number}{_dot(line)}"></i>{escape(line.name)}</span>'
        for number, line in enumerate(lines, 1)
    )
    return "".join(parts) + f'<p class="legend">{legend}</p>'


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """A bar for each (name, value, what stands beside it), the longest as wide as the page."""
    height = _ROW * len(rows) + 8
    longest = max((value for _, value, _ in rows), default=0) or 1
    left, right = 150, 130
    parts = [_open(height, title)]
    for number, (name, value, said) in enumerate(rows):
        top = _ROW * number + 4
        width = max(1.0, value / longest * (_WIDTH - left - right))
        parts.append(
            f'<text class="label end" x="{left - 10}" y="{top + 16}">{escape(name)}</text>'
        )
        parts.append(
            f'<rect class="bar" x="{left}" y="{top + 2}" width="{width:.1f}" height="20" rx="3"/>'
        )
        parts.append(
            f'<text class="value" x="{left + width + 8:.1f}" y="{top + 16}">{escape(said)}</text>'
        )
    return "".join(parts) + "</svg>"


def short(value: float) -> str:
    """A number of few characters: 0.05, 250, 1.5k, 20M."""
    for power, unit in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= 10**power:
            return f"{value / 10**power:g}{unit}"
    return f"{value:g}"


def _dot(line: Line) -> str:
    return " dot" if line.is_marked else ""


def _open(height: int, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>"
    )


def _round_step(step: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step - 1e-12)
