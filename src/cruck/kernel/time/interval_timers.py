# SPDX-License-Identifier: MPL-2.0
"""setitimer(2) and timer_create(2): timers of a process that end in a signal.

ITIMER_REAL and POSIX timers run on the monotonic clock (CLOCK_REALTIME ones are converted when set). ITIMER_VIRTUAL, ITIMER_PROF
and CPU-time clocks are polled by the scheduler at the end of a slice: `check_cpu_timers`.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.signal import SIGALRM, SIGPROF, SIGVTALRM
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.time.timers import Timer, TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process

ITIMER_REAL: Final = 0
ITIMER_VIRTUAL: Final = 1
ITIMER_PROF: Final = 2
ITIMER_SIGNALS: Final = (SIGALRM, SIGVTALRM, SIGPROF)
SI_TIMER: Final = -2
SI_KERNEL: Final = 0x80


class RealTimer(TimerTarget):
    """ITIMER_REAL."""

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.timer: Timer | None = None
        self.deadline_ns = 0
        self.interval_ns = 0

    def set(self, value_ns: int, interval_ns: int) -> None:
        kernel = self.process.kernel
        if self.timer is not None:
            kernel.timers.cancel(self.timer)
            self.timer = None
        self.interval_ns = interval_ns
        if value_ns > 0:
            self.deadline_ns = kernel.clock.monotonic_ns() + value_ns
            self.timer = kernel.timers.add(self.deadline_ns, self)

    def get(self) -> tuple[int, int]:
        """(ns left, interval ns)"""
        if self.timer is None:
            return 0, self.interval_ns
        return max(1000, self.deadline_ns - self.process.kernel.clock.monotonic_ns()), self.interval_ns

    def expire(self, now_ns: int) -> None:
        self.timer = None
        if self.interval_ns > 0:
            missed = (now_ns - self.deadline_ns) // self.interval_ns
            self.deadline_ns += (missed + 1) * self.interval_ns
            self.timer = self.process.kernel.timers.add(self.deadline_ns, self)
        self.process.kernel.send_signal_process(self.process, SIGALRM, SigInfo(SIGALRM, SI_KERNEL))


class CpuTimer:
    """ITIMER_VIRTUAL or ITIMER_PROF: compared with the process's CPU time."""

    def __init__(self, signo: int) -> None:
        self.signo = signo
        self.deadline_ns = 0  # of process CPU time; 0 off
        self.interval_ns = 0


class PosixTimer(TimerTarget):
    """timer_create(2)."""

    def __init__(self, process: "Process", timer_id: int, clock_id: int, notify: int, signo: int, value: int, tid: int) -> None:
        self.process = process
        self.timer_id = timer_id
        self.clock_id = clock_id
        self.notify = notify  # SIGEV_*
        self.signo = signo
        self.value = value
        self.tid = tid
        self.timer: Timer | None = None
        self.deadline_ns = 0
        self.interval_ns = 0
        self.overrun = 0
        self.is_queued = False

    def set(self, deadline_ns: int, interval_ns: int) -> None:
        """deadline_ns: monotonic, 0 disarms."""
        self.disarm()
        self.interval_ns = interval_ns
        self.overrun = 0
        if deadline_ns > 0:
            self.deadline_ns = deadline_ns
            self.timer = self.process.kernel.timers.add(deadline_ns, self)

    def disarm(self) -> None:
        if self.timer is not None:
            self.process.kernel.timers.cancel(self.timer)
            self.timer = None

    def left_ns(self) -> int:
        if self.timer is None:
            return 0
        return max(1, self.deadline_ns - self.process.kernel.clock.monotonic_ns())

    def expire(self, now_ns: int) -> None:
        self.timer = None
        missed = 0
        if self.interval_ns > 0:
            missed = (now_ns - self.deadline_ns) // self.interval_ns
            self.deadline_ns += (missed + 1) * self.interval_ns
            self.timer = self.process.kernel.timers.add(self.deadline_ns, self)
        if self.notify == 1:  # SIGEV_NONE
            return
        pending = self.process.pending
        task = None
        if self.notify == 4:  # SIGEV_THREAD_ID
            task = self.process.threads.get(self.tid)
            if task is None:
                return
            pending = task.pending
        if pending.has_timer(self.timer_id):
            self.overrun += missed + 1
            return
        self.overrun = missed
        info = SigInfo(self.signo, SI_TIMER)
        info.timer_id = self.timer_id
        info.overrun = min(self.overrun, 0x7FFF_FFFF)
        info.value = self.value
        if task is not None:
            self.process.kernel.send_signal_task(task, self.signo, info)
        else:
            self.process.kernel.send_signal_process(self.process, self.signo, info)


class ProcessTimers:
    def __init__(self, process: "Process") -> None:
        self.process = process
        self.real = RealTimer(process)
        self.virtual = CpuTimer(SIGVTALRM)
        self.prof = CpuTimer(SIGPROF)
        self.posix: dict[int, PosixTimer] = {}
        self.next_id = 0

    def check_cpu_timers(self, cpu_ns: int) -> None:
        """To be called now and then while the process runs."""
        for timer in (self.virtual, self.prof):
            if timer.deadline_ns and cpu_ns >= timer.deadline_ns:
                timer.deadline_ns = cpu_ns + timer.interval_ns if timer.interval_ns else 0
                self.process.kernel.send_signal_process(self.process, timer.signo, SigInfo(timer.signo, SI_KERNEL))

    def clear_for_exec(self) -> None:
        """execve deletes POSIX timers and keeps interval timers."""
        for timer in self.posix.values():
            timer.disarm()
        self.posix.clear()

    def clear(self) -> None:
        self.clear_for_exec()
        self.real.set(0, 0)
        self.virtual.deadline_ns = self.prof.deadline_ns = 0
