# SPDX-License-Identifier: MPL-2.0
"""A small SVG canvas: text, lines, rectangles, and a logarithmic axis. Colours that read on white and on dark grey."""

import math
from html import escape

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#ee7733")
INK, FAINT = "#666666", "#99999955"


class Canvas:
    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.parts: list[str] = []

    def text(self, x: float, y: float, words: str, anchor: str = "start", size: int = 12, colour: str = INK) -> None:
        """Args: y: of the base line. anchor: start, middle, end."""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(words)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = FAINT, width: float = 1, dashes: str = "") -> None:
        extra = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"{extra}/>'
        )

    def polyline(self, points: list[tuple[float, float]], colour: str) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')

    def dot(self, x: float, y: float, colour: str) -> None:
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')

    def box(self, x: float, y: float, width: float, height: float, colour: str, title: str = "") -> None:
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" fill="{colour}"><title>{escape(title)}</title></rect>'
        )

    def render(self) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}" '
            'font-family="system-ui, sans-serif">'
        )
        return "\n".join([head, *self.parts, "</svg>"]) + "\n"


class LogAxis:
    """Maps values > 0 to positions; whole decades at both ends."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start = start
        self.end = end

    def at(self, value: float) -> float:
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def decades(self) -> list[float]:
        return [10.0**exponent for exponent in range(self.low, self.high + 1)]
