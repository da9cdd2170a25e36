# SPDX-License-Identifier: MPL-2.0
from benchmarks.programs.stopwatch import time_ns


def test_the_end_of_a_process_is_seen_when_it_comes() -> None:
    """Looking every 50 ms would make of 0.14 s 0.164 or more."""
    best = min(time_ns(["/bin/sleep", "0.12"], 10) for _ in range(5))
    assert best[0] == 0 and 120e6 <= best[1] < 150e6


def test_a_process_that_takes_too_long_is_ended() -> None:
    status, elapsed_ns = time_ns(["/bin/sleep", "9"], 0.05)
    assert status == -1 and elapsed_ns < 5e9
