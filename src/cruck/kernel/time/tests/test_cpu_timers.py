# SPDX-License-Identifier: MPL-2.0
from typing import cast

from cruck.framework.clock import ManualClock
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.process import Process
from cruck.kernel.time.cpu_timers import PROCESS, CpuAlarm, CpuTimers
from cruck.kernel.time.timers import TimerQueue

MS = 1_000_000


class CpuKernel(Kernel):
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timers = TimerQueue()
        self.nr_cpus = 2
        self.used_ns = 0

    def cpu_time_ns(self, process: Process) -> tuple[int, int]:
        return self.used_ns, 0

    def run(self, wall_ns: int, cpu_ns: int) -> None:
        """In steps of 0.1 ms: time passes, `cpu_ns` of it computing."""
        clock = cast(ManualClock, self.clock)
        steps = wall_ns // 100_000
        for _ in range(steps):
            clock.advance(100_000)
            self.used_ns += cpu_ns // steps
            self.timers.expire(clock.now_ns)


class Noted(CpuAlarm):
    def __init__(self) -> None:
        super().__init__(PROCESS)
        self.seen: list[int] = []

    def fire(self, process: Process, missed: int) -> None:
        self.seen.append(cast(CpuKernel, process.kernel).used_ns + missed)


def setup() -> tuple[CpuKernel, CpuTimers, Noted]:
    kernel = CpuKernel()
    process = Process.__new__(Process)  # of a process only what the timers look at
    process.kernel = kernel
    process.threads = {}
    return kernel, CpuTimers(process), Noted()


def test_a_computing_process_is_met_on_the_dot() -> None:
    kernel, timers, alarm = setup()
    timers.arm(alarm, 10 * MS, 0)
    kernel.run(9 * MS, 9 * MS)
    assert alarm.seen == []
    kernel.run(2 * MS, 2 * MS)
    assert alarm.seen and alarm.seen[0] <= 10 * MS + 200_000
    assert timers.left_ns(alarm) == 0


def test_periods_that_went_by_are_counted() -> None:
    kernel, timers, alarm = setup()
    timers.arm(alarm, 10 * MS, 10 * MS)
    kernel.run(100 * MS, 100 * MS)
    assert 8 <= len(alarm.seen) <= 10


def test_an_idle_process_is_looked_at_seldom_and_not_forgotten() -> None:
    kernel, timers, alarm = setup()
    timers.arm(alarm, 2 * MS, 0)
    seq = kernel.timers.seq
    kernel.run(1000 * MS, 0)
    assert alarm.seen == [] and kernel.timers.seq - seq < 50
    kernel.run(50 * MS, 50 * MS)
    assert len(alarm.seen) == 1


def test_disarmed_alarms_do_not_fire() -> None:
    kernel, timers, alarm = setup()
    timers.arm(alarm, 2 * MS, 0)
    timers.arm(alarm, 0, 0)
    kernel.run(10 * MS, 10 * MS)
    assert alarm.seen == [] and timers.timer is None
