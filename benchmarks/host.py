# SPDX-License-Identifier: MPL-2.0
"""Which machine, which kernel, which commit: what a reader needs to judge the figures."""

import os
import platform
import subprocess
import sys
import time


def describe() -> dict[str, str]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": _commit(),
        "python": platform.python_version(),
        "cruck's Python": "compiled with mypyc" if is_compiled() else "interpreted",
        "kernel": platform.release(),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} CPUs",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "load before": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "command": "python -m benchmarks " + " ".join(sys.argv[1:]),
    }


def give_back(path: str, before: os.stat_result) -> None:
    """`runsc do`, as root, gives the files of its standard streams to nobody: /dev/null is one of them."""
    after = os.stat(path)
    if (after.st_uid, after.st_gid) != (before.st_uid, before.st_gid):
        os.chown(path, before.st_uid, before.st_gid)


def is_compiled() -> bool:
    import cruck.kernel.trap_loop

    return not cruck.kernel.trap_loop.__file__.endswith(".py")


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown processor"
