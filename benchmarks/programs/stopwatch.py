# SPDX-License-Identifier: MPL-2.0
"""The time of a whole process. Not subprocess.run(timeout=…): that looks at a process ever more seldom, in the end every 50 ms."""

import os
import select
import subprocess
import time


def time_ns(command: list[str], timeout_s: float) -> tuple[int, int]:
    """(exit status, ns) from before the first fork to the end of the last wait. Status −1: killed after `timeout_s`."""
    start_ns = time.perf_counter_ns()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ended = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        is_late = not poll.poll(timeout_s * 1000)
        if is_late:
            process.kill()
        status = process.wait()
    finally:
        os.close(ended)
    return -1 if is_late else status, time.perf_counter_ns() - start_ns
