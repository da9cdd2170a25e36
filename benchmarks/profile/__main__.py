# SPDX-License-Identifier: MPL-2.0
"""python -m benchmarks.profile [--limit N] [CMD ARG...]

Runs CMD as `cruck run` does and prints to standard error where the time went: of an average stop (stop, hand-over, dispatch, service,
copy, mappings, host, resume), by phase, by system call, and by function below the kernel. Without CMD: the calls and
files of the microbenchmark. The trap itself, without any hand-over, is measured by a native program beside it.

Each timed call costs about half a microsecond more than it would; `overhead` says what.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter_ns

from benchmarks.profile import report
from benchmarks.profile.stopwatch import COPY, Stopwatch
from benchmarks.profile.timed_machine import install


def main(words: list[str]) -> int:
    limit = 25
    if words[:1] == ["--limit"]:
        limit = int(words[1])
        words = words[2:]
    if not words:
        from benchmarks.micro.run import build

        out = Path("build/bench").absolute()
        out.mkdir(parents=True, exist_ok=True)
        words = [build(out), "--ms", "50", "calls", "files"]
    watch = Stopwatch()
    overhead = _overhead_ns(watch)
    watch = Stopwatch()
    install(watch)
    from benchmarks.profile.tracer import ProfilingTracer
    from cruck.sandbox import host_run
    from cruck.sandbox.box import Box
    from cruck.sandbox.config import RunConfig

    config = RunConfig(words)
    config.cwd = os.getcwd()
    config.host_environment = dict(os.environ)
    config.quiet = True
    config.tty = False

    def attach(box: Box, config: RunConfig) -> object:
        box.kernel.tracer = ProfilingTracer(watch)
        return lambda: None

    vars(host_run)["attach_tracer"] = attach
    start_ns = perf_counter_ns()
    watch.last_ns = start_ns
    status = host_run.run_on_host_stdio(config)
    wall_ns = perf_counter_ns() - start_ns
    write = sys.stderr.write
    write(f"\n{' '.join(words)[:100]}: {wall_ns / 1e6:.0f} ms, exit status {status}; ")
    trap_ns = _trap_ns()
    write(f"a trap alone: {trap_ns} ns; overhead: {overhead:.0f} ns a timed call\n\n")
    write(report.average_stop(watch, float(trap_ns) if trap_ns != "-" else 0.0) + "\n")
    write(report.by_phase(watch, wall_ns) + "\n" + report.by_call(watch, limit) + "\n" + report.by_function(watch, limit))
    return status


def _overhead_ns(watch: Stopwatch) -> float:
    """What timing adds to a call."""
    start_ns = perf_counter_ns()
    for _ in range(10_000):
        begin_ns = perf_counter_ns()
        watch.inner(COPY, "nothing", perf_counter_ns() - begin_ns)
    return (perf_counter_ns() - start_ns) / 10_000


def _trap_ns() -> str:
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "trap")
        subprocess.run(["gcc", "-O2", "-o", program, str(Path(__file__).parent / "trap.c")], check=True)
        return subprocess.run([program], capture_output=True, text=True, check=False).stdout.strip() or "-"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
