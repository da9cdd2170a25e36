# SPDX-License-Identifier: MPL-2.0
"""setitimer(2) and timer_create(2): timers of a process that end in a signal.

ITIMER_REAL and most POSIX timers run on the monotonic clock (CLOCK_REALTIME ones are converted when set). ITIMER_VIRTUAL, ITIMER_PROF and
POSIX timers on CPU clocks are alarms of cpu_timers.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.signal import SIGALRM, SIGEV_NONE, SIGEV_THREAD_ID, SIGPROF, SIGVTALRM
from cruck.kernel.ledger import TIMER
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.time.cpu_timers import PROCESS, VIRTUAL, CpuAlarm, CpuLimit, CpuTimers
from cruck.kernel.time.timers import Timer, TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process
    from cruck.kernel.process.task import Task

MAX_OVERRUN: Final = 0x7FFF_FFFF
SIGALRM_BIT: Final = 1 << (SIGALRM - 1)
MIN_IDLE_NS: Final = 125_000
MAX_IDLE_NS: Final = 16_000_000
MAX_IGNORED_NS: Final = 128_000_000
ITIMER_REAL: Final = 0
ITIMER_VIRTUAL: Final = 1
ITIMER_PROF: Final = 2
SI_TIMER: Final = -2
SI_KERNEL: Final = 0x80


class Period:
    """When a timer with an interval is due again. One whose signal is ignored, or pending since the last time, has nothing to do: then
    it is due ever more seldom, up to MAX_IDLE_NS and MAX_IGNORED_NS. (Linux: such timers wait for a tick at least, or until the signal is taken.)"""

    def __init__(self) -> None:
        self.nr_idle = 0
        self.nr_skipped = 0  # periods that go by before the next deadline

    def next_ns(self, deadline_ns: int, interval_ns: int, now_ns: int, is_idle: bool, most_ns: int = MAX_IDLE_NS) -> tuple[int, int]:
        """(the next deadline, how many periods have gone by unnoticed since the last)"""
        missed = (now_ns - deadline_ns) // interval_ns + self.nr_skipped
        deadline_ns += (now_ns - deadline_ns) // interval_ns * interval_ns + interval_ns
        self.nr_idle = self.nr_idle + 1 if is_idle else 0
        self.nr_skipped = 0
        if self.nr_idle > 3:
            least_ns = now_ns + min(MIN_IDLE_NS << min(self.nr_idle - 4, 16), most_ns)
            if deadline_ns < least_ns:
                self.nr_skipped = (least_ns - deadline_ns) // interval_ns
                deadline_ns += self.nr_skipped * interval_ns
        return deadline_ns, missed

    def left_ns(self, left_ns: int, interval_ns: int) -> int:
        """What a program is told of the time to the next deadline: that periods are skipped is not its business."""
        return left_ns % interval_ns if self.nr_skipped and left_ns > interval_ns else left_ns


def is_ignored(process: "Process", signo: int) -> bool:
    task = process.any_thread()
    return task is None or task.actions.is_ignored(signo)


class RealTimer(TimerTarget):
    """ITIMER_REAL."""

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.timer: Timer | None = None
        self.deadline_ns = 0
        self.interval_ns = 0
        self.period = Period()

    def set(self, value_ns: int, interval_ns: int) -> None:
        kernel = self.process.kernel
        self.period = Period()
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
        left_ns = self.deadline_ns - self.process.kernel.clock.monotonic_ns()
        return max(1000, self.period.left_ns(left_ns, self.interval_ns)), self.interval_ns

    def expire(self, now_ns: int) -> None:
        self.timer = None
        process = self.process
        if self.interval_ns > 0:
            ignored = is_ignored(process, SIGALRM)
            is_idle = ignored or process.pending.bits & SIGALRM_BIT != 0
            most_ns = MAX_IGNORED_NS if ignored else MAX_IDLE_NS
            self.deadline_ns = self.period.next_ns(self.deadline_ns, self.interval_ns, now_ns, is_idle, most_ns)[0]
            self.timer = process.kernel.timers.add(self.deadline_ns, self)
        process.kernel.send_signal_process(process, SIGALRM, SigInfo(SIGALRM, SI_KERNEL))


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


class PosixTimer(TimerTarget):
    """timer_create(2)."""

    alarm: CpuAlarm | None  # it runs on this, a CPU clock of `clock_process`; None: on the monotonic clock
    clock_process: "Process"
    info: SigInfo | None  # the last signal that was queued; its overrun grows while it is pending
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
        self.deadline_ns = 0
        self.interval_ns = 0
        self.alarm = None
        self.clock_process = process
        self.info = None
        self.overrun = 0
        self.period = Period()

    def set(self, deadline_ns: int, interval_ns: int) -> None:
        """deadline_ns: on the monotonic clock, or the CPU clock it runs on; 0 disarms."""
        self.disarm()
        self.interval_ns = interval_ns
        self.overrun = 0
        self.info = None
        self.period = Period()
        if self.alarm is not None:
            self.clock_process.timers.cpu.arm(self.alarm, deadline_ns, interval_ns)
        elif deadline_ns > 0:
            self.deadline_ns = deadline_ns
            self.timer = self.process.kernel.timers.add(deadline_ns, self)

    def disarm(self) -> None:
        if self.alarm is not None:
            self.clock_process.timers.cpu.arm(self.alarm, 0, 0)
        if self.timer is not None:
            self.process.kernel.timers.cancel(self.timer)
            self.timer = None

    def left_ns(self) -> int:
        if self.alarm is not None:
            return self.clock_process.timers.cpu.left_ns(self.alarm)
        if self.timer is None:
            return 0
        return max(1, self.period.left_ns(self.deadline_ns - self.process.kernel.clock.monotonic_ns(), self.interval_ns))

    def expire(self, now_ns: int) -> None:
        self.timer = None
        missed = 0
        if self.interval_ns > 0:
            ignored = self.notify == SIGEV_NONE or is_ignored(self.process, self.signo)
            most_ns = MAX_IGNORED_NS if ignored else MAX_IDLE_NS
            is_idle = ignored or self._is_pending()
            self.deadline_ns, missed = self.period.next_ns(self.deadline_ns, self.interval_ns, now_ns, is_idle, most_ns)
            self.timer = self.process.kernel.timers.add(self.deadline_ns, self)
        self.happen(missed)

    def happen(self, missed: int) -> None:
        """It is due, and `missed` more periods have gone by."""
        if self.notify == SIGEV_NONE:
            return
        task = None
        if self.notify == SIGEV_THREAD_ID:
            task = self.process.threads.get(self.tid)
            if task is None:
                return
        if self._is_pending():
            assert self.info is not None
            self.info.overrun = min(self.info.overrun + missed + 1, MAX_OVERRUN)
            return
        self.overrun = self.last_overrun()
        info = SigInfo(self.signo, SI_TIMER)
        info.timer_id = self.timer_id
        info.overrun = min(missed, MAX_OVERRUN)
        info.value = self.value
        self.info = info
        if task is not None:
            self.process.kernel.send_signal_task(task, self.signo, info)
        else:
            self.process.kernel.send_signal_process(self.process, self.signo, info)

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
