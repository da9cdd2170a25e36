# SPDX-License-Identifier: MPL-2.0
"""A curve of cost over size, and whether it grows faster than n log n."""

import math

SMALLEST = 100  # below, what is paid once hides the growth
TOLERANCE = 2.0  # two runs of one size differ by so much on a busy machine


class Curve:
    def __init__(self, kind: str, environment: str) -> None:
        self.kind = kind
        self.environment = environment
        self.points: list[tuple[int, float]] = []  # (size, ns in all), sizes ascending
        self.refusals: list[tuple[int, str]] = []  # (size, why)

    def add(self, size: int, result: float | str) -> None:
        if isinstance(result, str):
            self.refusals.append((size, result))
        else:
            self.points.append((size, result))

    def per_item_us(self) -> list[tuple[int, float]]:
        return [(size, ns / size / 1e3) for size, ns in self.points]

    def exponent(self) -> float | None:
        """b of the least-squares fit of a·n^b to the points from SMALLEST on; None with fewer than three."""
        points = [(math.log(size), math.log(ns)) for size, ns in self.points if size >= SMALLEST]
        if len(points) < 3:
            return None
        mean_x = sum(x for x, _ in points) / len(points)
        mean_y = sum(y for _, y in points) / len(points)
        return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)

    def is_within_n_log_n(self) -> bool | None:
        """Whether the largest size costs at most TOLERANCE times what n log n foretells from the smallest one from SMALLEST on."""
        points = [(size, ns) for size, ns in self.points if size >= SMALLEST]
        if len(points) < 2:
            return None
        (small, small_ns), (large, large_ns) = points[0], points[-1]
        foretold = small_ns * (large * math.log(large)) / (small * math.log(small))
        return large_ns <= TOLERANCE * foretold

    def as_json(self) -> dict[str, object]:
        return {"kind": self.kind, "environment": self.environment, "points": self.points, "refusals": self.refusals}
