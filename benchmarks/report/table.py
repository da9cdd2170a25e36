# SPDX-License-Identifier: MPL-2.0
"""Tables of medians as text: cruck beside native with its bars, and beside its peers. Markdown, readable as it is."""

from collections.abc import Sequence

from benchmarks.peers.known import CRUCK, NATIVE
from benchmarks.rows import ROWS, Row
from benchmarks.samples import Samples

# Each column of the peers' table: the better of one CPU and two.
PEERS = {
    "runsc systrap": ("runsc systrap", "runsc systrap, 1 CPU"),
    "runsc ptrace": ("runsc ptrace", "runsc ptrace, 1 CPU"),
    "proot": ("proot", "proot, 1 CPU"),
    "user-mode-linux": ("user-mode-linux",),
    "qemu-user": ("qemu-user",),
    "bubblewrap": ("bubblewrap",),
    "sandlock": ("sandlock",),
}


def number(value: float | None) -> str:
    """Three significant digits; `-` if there is none."""
    if value is None:
        return "-"
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.3g}"


def in_units(row: Row, samples: Samples, names: tuple[str, ...]) -> float | None:
    best = samples.best(row.key, names, row.more_is_better)
    return best[0] / row.scale if best else None


def rows_measured(samples: Samples) -> list[Row]:
    return [row for row in ROWS if row.key in samples.values or row.key in samples.refusals]


def own_table(samples: Samples) -> str:
    """Native and cruck, each the better of one CPU and two; spread: distance of the quartiles in percent of the median."""
    lines = [
        ("row", "unit", "native", "cruck", "spread", "2 CPUs", "1 CPU", "× native", "reach", "aim", ""),
        ("---", "---") + ("---:",) * 8 + ("---",),
    ]
    for row in rows_measured(samples):
        native = in_units(row, samples, NATIVE)
        best = samples.best(row.key, CRUCK, row.more_is_better)
        value = best[0] / row.scale if best else None
        spread = samples.spread(row.key, best[1]) if best else None
        reached = row.is_reached(value, native) if value is not None else None
        lines.append((
            row.title, row.unit, number(native), number(value), f"{spread * 100:.0f} %" if spread is not None else "-",
            number(in_units(row, samples, CRUCK[:1])), number(in_units(row, samples, CRUCK[1:])),
            number(row.ratio(value, native)) if value is not None and native else "-",
            row.bar(), number(row.aim) if row.aim is not None else "",
            "" if reached is None else ("yes" if reached else "NO"),
        ))  # fmt: skip
    return _format(lines)


def peer_table(samples: Samples) -> str:
    """The same medians beside those of each peer; `-`: not installed, or it cannot."""
    present = {name: names for name, names in PEERS.items() if any(other in row for row in samples.values.values() for other in names)}
    lines: list[tuple[str, ...]] = [("row", "unit", "native", "cruck", *present), ("---", "---") + ("---:",) * (2 + len(present))]
    for row in rows_measured(samples):
        columns = [NATIVE, CRUCK, *present.values()]
        lines.append((row.title, row.unit, *(number(in_units(row, samples, names)) for names in columns)))
    return _format(lines)


def _format(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = []
    for line in lines:
        cells = []
        for column, (word, width) in enumerate(zip(line, widths, strict=True)):
            is_right = lines[1][column].endswith(":")
            if line is lines[1]:
                cells.append("-" * (width - is_right) + ":" * is_right)
            else:
                cells.append(word.rjust(width) if is_right else word.ljust(width))
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"
