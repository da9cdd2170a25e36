# SPDX-License-Identifier: MPL-2.0
"""setitimer(2) and timer_create(2): timers of a process that end in a signal.

ITIMER_REAL and most POSIX timers run on the monotonic clock (CLOCK_REALTIME ones are converted when set). ITIMER_VIRTUAL, ITIMER_PROF and
POSIX timers on CPU clocks are alarms of cpu_timers.py.

A periodic timer rests while its signal is pending, and goes on when that is taken; the periods that went by are counted then, as its
overrun (Linux: posixtimer_rearm). So a timer of a few µs costs no more than the signals its process takes.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.signal import SIGALRM, SIGEV_NONE, SIGEV_THREAD_ID, SIGPROF, SIGVTALRM
from cruck.kernel.ledger import TIMER
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.time.cpu_timers import PROCESS, VIRTUAL, CpuAlarm, CpuLimit, CpuTimers
from cruck.kernel.time.timers import SignalTimer, Timer, TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process
    from cruck.kernel.process.task import Task

MAX_OVERRUN: Final = 0x7FFF_FFFF
ITIMER_REAL: Final = 0
ITIMER_VIRTUAL: Final = 1
ITIMER_PROF: Final = 2
SI_TIMER: Final = -2
SI_KERNEL: Final = 0x80

# How soon a timer expires again after its signal was taken, or was not even queued, because it is ignored. The periods in between count as
# overrun. When the kernel is so busy that timers expire late, they rest longer: programs run between their signals too. One that is ignored
# time after time rests ever longer.
MIN_REST_NS: Final = 100_000
MAX_REST_NS: Final = 20_000_000
MIN_IGNORED_REST_NS: Final = 1_000_000
MAX_IGNORED_REST_NS: Final = 128_000_000


class Period:
    """When a timer is due: at `deadline_ns`, and each `interval_ns` from then on, if that is not 0."""

    expected_ns: int  # when its `Timer` was to expire
    late_ns: int  # how much later it did, last time
    nr_ignored: int  # how often without a break

    def __init__(self, deadline_ns: int = 0, interval_ns: int = 0) -> None:
        self.deadline_ns = deadline_ns
        self.interval_ns = interval_ns
        self.expected_ns = 0
        self.late_ns = 0
        self.nr_ignored = 0

    def first(self, kernel: "Kernel", target: TimerTarget) -> Timer:
        """The timer for the first deadline."""
        self.expected_ns = self.deadline_ns
        return kernel.timers.add(self.expected_ns, target)

    def next(self, kernel: "Kernel", target: TimerTarget, was_ignored: bool) -> Timer:
        """The timer for the next deadline, after a rest."""
        if was_ignored:
            rest_ns = min(MIN_IGNORED_REST_NS << self.nr_ignored, MAX_IGNORED_REST_NS)
            self.nr_ignored = min(self.nr_ignored + 1, 16)
        else:
            rest_ns = min(MIN_REST_NS + 2 * self.late_ns, MAX_REST_NS)
            self.nr_ignored = 0
        self.expected_ns = max(self.deadline_ns, kernel.clock.monotonic_ns() + rest_ns)
        return kernel.timers.add(self.expected_ns, target)

    def expired(self, now_ns: int) -> int:
        """Its timer has. How many deadlines have gone by."""
        self.late_ns = now_ns - self.expected_ns
        return self.advance(now_ns)

    def advance(self, now_ns: int) -> int:
        """Moves the deadline past `now_ns`. How many deadlines went by."""
        if self.interval_ns == 0 or now_ns < self.deadline_ns:
            return 0
        nr_due = (now_ns - self.deadline_ns) // self.interval_ns + 1
        self.deadline_ns += nr_due * self.interval_ns
        return nr_due

    def left_ns(self, now_ns: int) -> int:
        """To the next deadline; ≤ 0: it was the only one and has gone by."""
        if self.interval_ns == 0 or now_ns < self.deadline_ns:
            return self.deadline_ns - now_ns
        return self.interval_ns - (now_ns - self.deadline_ns) % self.interval_ns


class RealTimer(SignalTimer):
    """ITIMER_REAL."""

    info: SigInfo | None  # the last signal that was queued; the timer rests until it is taken

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.timer: Timer | None = None
        self.period = Period()
        self.info = None

    def set(self, value_ns: int, interval_ns: int) -> None:
        kernel = self.process.kernel
        if self.timer is not None:
            kernel.timers.cancel(self.timer)
            self.timer = None
        self.info = None
        self.period = Period(kernel.clock.monotonic_ns() + value_ns, interval_ns)
        if value_ns > 0:
            self.timer = self.period.first(kernel, self)

    def get(self) -> tuple[int, int]:
        """(ns left, interval ns)"""
        if self.timer is None and self.info is None:
            return 0, self.period.interval_ns
        return max(1000, self.period.left_ns(self.process.kernel.clock.monotonic_ns())), self.period.interval_ns

    def expire(self, now_ns: int) -> None:
        self.timer = None
        process = self.process
        info = SigInfo(SIGALRM, SI_KERNEL)
        if self.period.interval_ns == 0:
            process.kernel.send_signal_process(process, SIGALRM, info)
            return
        self.period.expired(now_ns)
        info.timer = self
        self.info = info
        process.kernel.send_signal_process(process, SIGALRM, info)
        if not process.pending.holds(info):
            self._go_on(True)

    def signal_taken(self, info: SigInfo) -> None:
        if info is self.info:
            self._go_on(False)

    def _go_on(self, was_ignored: bool) -> None:
        self.info = None
        self.period.advance(self.process.kernel.clock.monotonic_ns())
        self.timer = self.period.next(self.process.kernel, self, was_ignored)


class IntervalAlarm(CpuAlarm):
    """ITIMER_VIRTUAL or ITIMER_PROF."""

    def __init__(self, clock: int, signo: int) -> None:
        super().__init__(clock)
        self.signo = signo

    def fire(self, process: "Process", missed: int) -> None:
        process.kernel.send_signal_process(process, self.signo, SigInfo(self.signo, SI_KERNEL))


class PosixAlarm(CpuAlarm):
    """A POSIX timer on a CPU clock."""

    def __init__(self, timer: "PosixTimer", clock: int, task: "Task | None") -> None:
        super().__init__(clock, task)
        self.posix = timer

    def fire(self, process: "Process", missed: int) -> None:
        self.posix.happen(missed)


class PosixTimer(SignalTimer):
    """timer_create(2)."""

    alarm: CpuAlarm | None  # it runs on this, a CPU clock of `clock_process`; None: on the monotonic clock
    clock_process: "Process"
    is_armed: bool  # on the monotonic clock
    info: SigInfo | None  # the last signal that was queued
    overrun: int  # of the last signal that was taken: timer_getoverrun

    def __init__(self, process: "Process", timer_id: int, clock_id: int, notify: int, signo: int, value: int, tid: int) -> None:
        self.process = process
        self.timer_id = timer_id
        self.clock_id = clock_id
        self.notify = notify  # SIGEV_*
        self.signo = signo
        self.value = value
        self.tid = tid
        self.timer: Timer | None = None
        self.period = Period()
        self.is_armed = False
        self.alarm = None
        self.clock_process = process
        self.info = None
        self.overrun = 0

    def set(self, deadline_ns: int, interval_ns: int) -> None:
        """deadline_ns: on the monotonic clock, or the CPU clock it runs on; 0 disarms."""
        self.disarm()
        self.period = Period(deadline_ns, interval_ns)
        self.overrun = 0
        if self.alarm is not None:
            self.clock_process.timers.cpu.arm(self.alarm, deadline_ns, interval_ns)
        elif deadline_ns > 0:
            self.is_armed = True
            if self.notify != SIGEV_NONE:
                self.timer = self.period.first(self.process.kernel, self)

    def disarm(self) -> None:
        if self.alarm is not None:
            self.clock_process.timers.cpu.arm(self.alarm, 0, 0)
        if self.timer is not None:
            self.process.kernel.timers.cancel(self.timer)
            self.timer = None
        self.is_armed = False
        self.info = None

    def left_ns(self) -> int:
        if self.alarm is not None:
            return self.clock_process.timers.cpu.left_ns(self.alarm)
        if not self.is_armed:
            return 0
        left_ns = self.period.left_ns(self.process.kernel.clock.monotonic_ns())
        if self.notify == SIGEV_NONE:
            return max(0, left_ns)  # nothing else tells that it is over
        return max(1, left_ns)

    def expire(self, now_ns: int) -> None:
        self.timer = None
        if self.period.interval_ns == 0:
            self.is_armed = False
            self.happen(0)
            return
        nr_due = self.period.expired(now_ns)
        if not self.happen(nr_due - 1):
            self._go_on(True)

    def happen(self, missed: int) -> bool:
        """It is due, and `missed` more periods have gone by. False: no signal is pending for it now."""
        process = self.process
        task = None
        if self.notify == SIGEV_NONE:
            return False
        if self.notify == SIGEV_THREAD_ID:
            task = process.threads.get(self.tid)
            if task is None:
                return True  # never again
        if self._is_pending():
            assert self.info is not None
            self.info.overrun = min(self.info.overrun + missed + 1, MAX_OVERRUN)
            return True
        self.overrun = self.last_overrun()
        info = SigInfo(self.signo, SI_TIMER)
        info.timer_id = self.timer_id
        info.overrun = min(missed, MAX_OVERRUN)
        info.value = self.value
        info.timer = self
        self.info = info
        if task is not None:
            process.kernel.send_signal_task(task, self.signo, info)
        else:
            process.kernel.send_signal_process(process, self.signo, info)
        return self._is_pending()

    def signal_taken(self, info: SigInfo) -> None:
        if info is self.info and self.is_armed and self.timer is None:
            info.overrun = min(info.overrun + self._go_on(False), MAX_OVERRUN)

    def _go_on(self, was_ignored: bool) -> int:
        """How many deadlines have gone by."""
        nr_due = self.period.advance(self.process.kernel.clock.monotonic_ns())
        self.timer = self.period.next(self.process.kernel, self, was_ignored)
        return nr_due

    def last_overrun(self) -> int:
        """timer_getoverrun: how often it was due beyond the first, for the signal that was taken last."""
        return self.overrun if self.info is None or self._is_pending() else self.info.overrun

    def _is_pending(self) -> bool:
        if self.info is None:
            return False
        pending = self.process.pending
        if self.notify == SIGEV_THREAD_ID:
            task = self.process.threads.get(self.tid)
            if task is None:
                return False
            pending = task.pending
        return pending.holds(self.info)


class ProcessTimers:
    def __init__(self, process: "Process") -> None:
        self.process = process
        self.real = RealTimer(process)
        self.cpu = CpuTimers(process)
        self.virtual = IntervalAlarm(VIRTUAL, SIGVTALRM)
        self.prof = IntervalAlarm(PROCESS, SIGPROF)
        self.cpu_limit = CpuLimit()
        self.posix: dict[int, PosixTimer] = {}
        self.next_id = 0

    def clear_for_exec(self) -> None:
        """execve deletes POSIX timers and keeps interval timers."""
        for timer in self.posix.values():
            timer.disarm()
        self.process.kernel.ledger.used -= TIMER * len(self.posix)
        self.posix.clear()

    def clear(self) -> None:
        self.clear_for_exec()
        self.real.set(0, 0)
        self.cpu.clear()
