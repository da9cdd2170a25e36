# SPDX-License-Identifier: MPL-2.0
"""One more sandbox in a process that has made some: only for libraries."""

import subprocess
import sys
from pathlib import Path

from benchmarks.peers.environment import TIMEOUT_S, Environment
from benchmarks.samples import Samples

HERE = Path(__file__).parent


def measure_warm(count: int, environment: Environment, samples: Samples) -> None:
    if environment.name == "sandlock":
        command = [environment.prefix[0], str(HERE / "warm_sandlock.py"), str(count)]
    else:
        pin = environment.prefix[:3] if environment.is_pinned else []
        command = [*pin, sys.executable, str(HERE / "warm_cruck.py"), str(count)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        samples.refuse("warm_true", environment.name, "timeout")
        return
    for line in done.stdout.split():
        samples.add("warm_true", environment.name, float(line))
    if done.returncode:
        samples.refuse("warm_true", environment.name, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "failed")
