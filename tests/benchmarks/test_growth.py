# SPDX-License-Identifier: MPL-2.0
"""The check of growth: what n log n and n² look like to it."""

import math

from benchmarks.scaling.growth import Curve
from benchmarks.scaling.plot import draw

SIZES = (1, 10, 100, 1000, 10_000)


def curve_of(cost: dict[int, float]) -> Curve:
    curve = Curve("files", "cruck")
    for size, ns in cost.items():
        curve.add(size, ns)
    return curve


def test_n_log_n_passes_and_n_squared_does_not() -> None:
    fine = curve_of({size: 1000 * size * math.log(size + 1) + 5e5 for size in SIZES})
    bad = curve_of({size: 1000 * size**2 / 100 + 5e5 for size in SIZES})
    assert fine.is_within_n_log_n() is True
    assert bad.is_within_n_log_n() is False
    exponent = bad.exponent()
    assert exponent is not None and 1.5 < exponent < 2.1
    assert draw("files", [fine, bad]).count("<circle") == 2 * len(SIZES)


def test_a_refused_size_is_no_point() -> None:
    curve = curve_of({100: 1e6})
    curve.add(1000, "skip EAGAIN")
    assert curve.points == [(100, 1e6)] and curve.refusals == [(1000, "skip EAGAIN")]
    assert curve.is_within_n_log_n() is None
