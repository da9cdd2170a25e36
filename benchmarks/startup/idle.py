# SPDX-License-Identifier: MPL-2.0
"""What an idle run holds: the proportional set size (PSS) of all its processes while its program sleeps."""

import os
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.peers.environment import Environment
from benchmarks.samples import Samples

SETTLED_S = 1.0


def measure_idle(environment: Environment, samples: Samples) -> None:
    run = subprocess.Popen(
        environment.command(["/bin/sleep", "100"]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(SETTLED_S)
        if run.poll() is not None:
            samples.refuse("idle_pss", environment.name, f"exit status {run.returncode}")
            return
        family = [run.pid, *descendants(run.pid)]
        samples.add("idle_pss", environment.name, sum(pss_bytes(pid) for pid in family))
        for pid in reversed(family):
            kill(pid)
    finally:
        run.kill()
        run.wait()


def descendants(pid: int) -> list[int]:
    """Of every thread of the process, and theirs."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            pids = [int(word) for word in children.read_text().split()]
        except OSError:
            continue
        for child in pids:
            found += [child, *descendants(child)]
    return found


def pss_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
