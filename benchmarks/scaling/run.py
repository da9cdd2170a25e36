# SPDX-License-Identifier: MPL-2.0
"""Runs grow.c for growing numbers, natively and under cruck, in turn."""

import subprocess
from pathlib import Path

from benchmarks.interleave import say
from benchmarks.peers.environment import Environment
from benchmarks.peers.known import cruck_command
from benchmarks.scaling.growth import Curve

SOURCE = Path(__file__).parent / "grow.c"
KINDS = ("processes", "threads", "files", "mappings", "descriptors")
SIZES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
QUICK_SIZES = (1, 10, 100, 1000)


def build(directory: Path) -> str:
    program = directory / "grow"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-static", "-pthread", "-o", str(program), str(SOURCE)], check=True)
    return str(program)


def measure(program: str, kinds: list[str], sizes: tuple[int, ...]) -> list[Curve]:
    """A curve for each kind and environment. Small sizes are run three times, of which the fastest counts."""
    environments = [Environment("native", []), Environment("cruck", [cruck_command(), "run", "-q", "--pids-limit", "20000", "--"])]
    curves: list[Curve] = []
    for kind in kinds:
        of_kind = {environment.name: Curve(kind, environment.name) for environment in environments}
        for size in sizes:
            for environment in environments:
                of_kind[environment.name].add(size, _once(program, kind, size, environment, 3 if size <= 300 else 1))
        curves += of_kind.values()
        say(f"scaling of {kind} done")
    return curves


def _once(program: str, kind: str, size: int, environment: Environment, times: int) -> float | str:
    """Nanoseconds in all, or why there are none."""
    best = None
    for _ in range(times):
        status, output = environment.run([program, kind, str(size)])
        words = output.split()
        if status or len(words) != 1:
            return " ".join(words) or f"exit status {status}"
        best = min(best, float(words[0])) if best is not None else float(words[0])
    assert best is not None
    return best
