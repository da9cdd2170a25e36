# SPDX-License-Identifier: MPL-2.0
"""Builds the microbenchmark (C files of this folder) and runs groups of its rows in an environment."""

import statistics
import subprocess
from pathlib import Path

from benchmarks.peers.environment import Environment
from benchmarks.samples import Samples

SOURCES = Path(__file__).parent


def build(directory: Path) -> str:
    """Path of the program. Errors: CalledProcessError."""
    program = directory / "micro"
    sources = sorted(str(path) for path in SOURCES.glob("*.c"))
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-static", "-pthread", "-o", str(program), *sources], check=True)
    return str(program)


def measure(program: str, environment: Environment, groups: list[str], sample_ms: int, samples: Samples) -> None:
    """Adds one sample a row: the median of three taken in a row."""
    status, output = environment.run([program, "--ms", str(sample_ms), "--samples", "3", *groups])
    found: dict[str, list[float]] = {}
    for line in output.splitlines():
        key, *words = line.split()
        if len(words) == 2 and words[0] == "skip":
            samples.refuse(key, environment.name, words[1])
        elif len(words) == 1 and environment.measures(key):
            found.setdefault(key, []).append(float(words[0]))
    for key, values in found.items():
        samples.add(key, environment.name, statistics.median(values))
    if status:
        for group in groups:
            samples.refuse(group, environment.name, f"exit status {status}")
