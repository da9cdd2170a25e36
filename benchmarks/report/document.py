# SPDX-License-Identifier: MPL-2.0
"""The page for docs/performance: machine, commands, tables, plot, where we are slow."""

from benchmarks.peers.environment import Environment
from benchmarks.report.table import own_table, peer_table
from benchmarks.report.verdicts import missed, slower_than_peers
from benchmarks.samples import Samples


def write(samples: Samples, host: dict[str, str], environments: list[Environment], scaling: str) -> str:
    """Args: scaling: the section on growth, Markdown, possibly empty."""
    parts = [
        "# What it costs\n",
        "Written by `make bench` (benchmarks/README.md says how it measures); the samples are in bench.json.\n",
        "\n".join(f"* {name}: {value}" for name, value in host.items()) + "\n",
        "## cruck beside native\n",
        "Medians; native and cruck each the better of one CPU and two (`taskset -c 1`). Spread: distance of the quartiles as a part of the median.\n",
        own_table(samples),
        "![cost as a multiple of native](bench.svg)\n",
        "## Beside its peers\n",
        "Each the better of one CPU and two where both were measured (whole programs of the peers: two). `-`: not installed, or it cannot.\n",
        peer_table(samples),
        "## Where it is slow\n",
        "Beyond their bar:\n" if missed(samples) else "Every row is within its bar.\n",
        _bullets(missed(samples)),
        "Slower than runsc or proot in the same run, whatever the bar:\n"
        if slower_than_peers(samples)
        else "No row is slower than runsc or proot.\n",
        _bullets(slower_than_peers(samples)),
        scaling,
        "## The commands\n",
        "\n".join(f"* {environment.name}: `{environment.describe()}`" for environment in environments) + "\n",
    ]
    return "\n".join(part for part in parts if part)


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"* {line}" for line in lines) + "\n" if lines else ""
