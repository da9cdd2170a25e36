# SPDX-License-Identifier: MPL-2.0
"""A plot of one kind: microseconds an item over the number of items, both logarithmic; n log n from the first point as a dashed line."""

import math

from benchmarks.report.svg import COLOURS, INK, Canvas, LogAxis
from benchmarks.scaling.growth import SMALLEST, Curve

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 460, 300, 56, 36, 40, 20


def draw(kind: str, curves: list[Curve]) -> str:
    """SVG. Args: curves: of this kind."""
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(LEFT, 16, f"{kind}: µs for each, made, used and removed", size=13)
    points = [point for curve in curves for point in curve.per_item_us()]
    if not points:
        return canvas.render()
    across = LogAxis([float(size) for size, _ in points], LEFT, WIDTH - RIGHT)
    up = LogAxis([cost for _, cost in points], HEIGHT - BOTTOM, TOP)
    for decade in across.decades():
        canvas.line(across.at(decade), TOP, across.at(decade), HEIGHT - BOTTOM)
        canvas.text(across.at(decade), HEIGHT - BOTTOM + 16, f"{decade:g}", "middle", 11)
    for decade in up.decades():
        canvas.line(LEFT, up.at(decade), WIDTH - RIGHT, up.at(decade))
        canvas.text(LEFT - 6, up.at(decade) + 4, f"{decade:g}", "end", 11)
    for number, curve in enumerate(curves):
        colour = COLOURS[1 - number % 2]
        place = [(across.at(size), up.at(cost)) for size, cost in curve.per_item_us()]
        canvas.polyline(place, colour)
        for x, y in place:
            canvas.dot(x, y, colour)
        canvas.text(LEFT + 110 * number, 32, f"● {curve.environment}", colour=colour)
        start = [(size, cost) for size, cost in curve.per_item_us() if size >= SMALLEST]
        if curve.environment == "cruck" and len(start) > 1:
            (first, cost), last = start[0], start[-1][0]
            limit = min(cost * math.log(last) / math.log(first), up.decades()[-1])
            canvas.line(across.at(first), up.at(cost), across.at(last), up.at(limit), INK, 1, "4 3")
            canvas.text(LEFT + 110 * len(curves), 32, "- - n log n")
    return canvas.render()
