# SPDX-License-Identifier: MPL-2.0
"""The plot of all rows: how many times as costly as native, on a logarithmic scale, cruck beside its peers."""

from benchmarks.peers.known import CRUCK, NATIVE
from benchmarks.report.svg import COLOURS, INK, Canvas, LogAxis
from benchmarks.report.table import PEERS, in_units, number, rows_measured
from benchmarks.samples import Samples

LEFT, RIGHT, BAR, GAP, TOP = 300, 60, 7, 9, 46
SHOWN = ("runsc systrap", "runsc ptrace", "proot", "user-mode-linux")


def draw(samples: Samples) -> str:
    """SVG; rows without a native figure are left out."""
    series = {"cruck": CRUCK} | {
        name: PEERS[name] for name in SHOWN if any(other in row for row in samples.values.values() for other in PEERS[name])
    }
    bars: list[tuple[str, list[tuple[str, float, str]]]] = []
    for row in rows_measured(samples):
        native = in_units(row, samples, NATIVE)
        if not native:
            continue
        group = []
        for name, environments in series.items():
            value = in_units(row, samples, environments)
            if value:
                group.append((name, row.ratio(value, native), f"{name}: {number(value)} {row.unit}"))
        bars.append((f"{row.title} ({number(native)} {row.unit})", group))
    height = TOP + sum(len(group) * BAR + GAP for _, group in bars) + 30
    canvas = Canvas(900, height)
    colours = dict(zip(series, COLOURS, strict=False))
    x = LEFT
    canvas.text(LEFT - 8, 16, "cost as a multiple of native (native's figure)", "end")
    for name in series:
        canvas.box(x, 6, 12, 12, colours[name])
        canvas.text(x + 16, 16, name)
        x += 30 + 7 * len(name)
    ratios = [ratio for _, group in bars for _, ratio, _ in group]
    if not ratios:
        return canvas.render()
    axis = LogAxis([min(*ratios, 0.5), *ratios], LEFT, 900 - RIGHT)
    for decade in axis.decades():
        canvas.line(axis.at(decade), TOP - 8, axis.at(decade), height - 24)
        canvas.text(axis.at(decade), TOP - 12, f"{decade:g} ×", "middle", 11)
    canvas.line(axis.at(1), TOP - 8, axis.at(1), height - 24, INK, 1.5)
    y = float(TOP)
    for title, group in bars:
        canvas.text(LEFT - 8, y + len(group) * BAR / 2 + 4, title, "end", 11)
        for name, ratio, hint in group:
            start, end = sorted((axis.at(1), axis.at(ratio)))
            canvas.box(start, y, end - start, BAR - 1, colours[name], hint)
            y += BAR
        y += GAP
    return canvas.render()
