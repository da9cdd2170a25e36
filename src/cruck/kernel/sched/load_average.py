# SPDX-License-Identifier: MPL-2.0
"""LoadAverage: the three numbers of /proc/loadavg and sysinfo(2).

Linux samples the number of runnable tasks every five seconds. This kernel has no tick: the averages are brought up to date
when somebody looks (or the scheduler calls `update`), as if the number seen now had held since the last look. Fixed point with
11 fractional bits, as kernel/sched/loadavg.c.
"""

from typing import Final

FIXED_1: Final = 1 << 11
PERIOD_NS: Final = 5_000_000_000
EXPONENTS: Final = (1884, 2014, 2037)  # FIXED_1 / e^(5 s / 1, 5, 15 min)
MAX_PERIODS: Final = 1000  # 83 minutes: beyond, the averages have converged


class LoadAverage:
    averages: list[int]  # 1, 5, 15 minutes, fixed point
    next_ns: int  # monotonic time of the next sample

    def __init__(self, now_ns: int) -> None:
        self.averages = [0, 0, 0]
        self.next_ns = now_ns + PERIOD_NS

    def update(self, now_ns: int, nr_active: int) -> None:
        """Takes the samples that are due, of `nr_active` runnable tasks."""
        if now_ns < self.next_ns:
            return
        nr_periods = (now_ns - self.next_ns) // PERIOD_NS + 1
        self.next_ns += nr_periods * PERIOD_NS
        active = nr_active * FIXED_1
        for index in range(3):
            exponent = EXPONENTS[index]
            load = self.averages[index]
            for _ in range(min(nr_periods, MAX_PERIODS)):
                new = load * exponent + active * (FIXED_1 - exponent)
                if active >= load:
                    new += FIXED_1 - 1
                load = new // FIXED_1
            self.averages[index] = load
