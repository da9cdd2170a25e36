# SPDX-License-Identifier: MPL-2.0
"""Timers on CPU time: ITIMER_VIRTUAL and ITIMER_PROF, timer_create on CPU clocks, clock_nanosleep on them, RLIMIT_CPU.

A CPU clock never runs faster than the wall clock times the threads that may run at once. So one `CpuTimers` a process looks at its
clocks when that much time has passed since the last look: a process that computes is met on the dot, one that sleeps costs a look now and
then (ever more seldom, at most MAX_IDLE_NS late when it computes again).
"""

from typing import TYPE_CHECKING, Final

from cruck.kernel.time.timers import Timer, TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process
    from cruck.kernel.process.task import Task

MIN_LOOK_NS: Final = 1_000_000
MIN_WAIT_NS: Final = 100_000  # between two looks
MAX_IDLE_NS: Final = 32_000_000

# Which clock: user time of the process, user and system time of the process, that of one thread.
VIRTUAL: Final = 0
PROCESS: Final = 1
THREAD: Final = 2


class CpuAlarm:
    """Something that happens when a CPU clock of a process reaches `deadline_ns`."""

    clock: int  # VIRTUAL, PROCESS, THREAD
    task: "Task | None"  # whose clock THREAD is
    deadline_ns: int  # on that clock; 0: not armed
    interval_ns: int

    def __init__(self, clock: int, task: "Task | None" = None) -> None:
        self.clock = clock
        self.task = task
        self.deadline_ns = self.interval_ns = 0

    def fire(self, process: "Process", missed: int) -> None:
        """It is due. `missed`: how many more periods have gone by. A periodic alarm has its next deadline already."""
        raise NotImplementedError


class CpuTimers(TimerTarget):
    process: "Process"
    alarms: dict[CpuAlarm, None]  # armed
    timer: Timer | None  # the next look
    last_ns: int  # user and system time at the last look
    idle_ns: int  # how long to wait at least, because nothing happened lately

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.alarms = {}
        self.timer = None
        self.last_ns = self.idle_ns = 0

    def now_ns(self, alarm: CpuAlarm) -> int:
        """What the alarm's clock shows."""
        if alarm.clock == THREAD:
            task = alarm.task
            assert task is not None
            return max(0, task.context.cpu_time_ns()) + task.system_ns if task.tid in self.process.threads else 0
        user_ns, system_ns = self.process.kernel.cpu_time_ns(self.process)
        return user_ns if alarm.clock == VIRTUAL else user_ns + system_ns

    def arm(self, alarm: CpuAlarm, deadline_ns: int, interval_ns: int) -> None:
        """deadline_ns: on the alarm's clock; 0 disarms."""
        alarm.deadline_ns = deadline_ns
        alarm.interval_ns = interval_ns
        if deadline_ns:
            self.alarms[alarm] = None
        else:
            self.alarms.pop(alarm, None)
        self.idle_ns = 0
        self._schedule()

    def left_ns(self, alarm: CpuAlarm) -> int:
        """To its deadline, ≥ 1 while it is armed; 0 if it is not."""
        return max(1, alarm.deadline_ns - self.now_ns(alarm)) if alarm.deadline_ns else 0

    def clear(self) -> None:
        self.alarms.clear()
        self._schedule()

    def expire(self, now_ns: int) -> None:
        self.timer = None
        user_ns, system_ns = self.process.kernel.cpu_time_ns(self.process)
        total_ns = user_ns + system_ns
        self.idle_ns = min(MAX_IDLE_NS, 2 * self.idle_ns + MIN_LOOK_NS) if total_ns - self.last_ns < MIN_LOOK_NS // 4 else 0
        self.last_ns = total_ns
        for alarm in list(self.alarms):
            shown_ns = self.now_ns(alarm)
            if alarm.deadline_ns == 0 or shown_ns < alarm.deadline_ns:
                continue
            missed = 0
            if alarm.interval_ns:
                missed = (shown_ns - alarm.deadline_ns) // alarm.interval_ns
                alarm.deadline_ns += (missed + 1) * alarm.interval_ns
            else:
                alarm.deadline_ns = 0
                self.alarms.pop(alarm, None)
            alarm.fire(self.process, missed)
        self._schedule()

    def _schedule(self) -> None:
        timers = self.process.kernel.timers
        if self.timer is not None:
            timers.cancel(self.timer)
            self.timer = None
        if not self.alarms:
            return
        nearest_ns = min([alarm.deadline_ns - self.now_ns(alarm) for alarm in self.alarms])
        nr_at_once = max(1, min(len(self.process.threads), self.process.kernel.nr_cpus))
        wait_ns = max(nearest_ns // nr_at_once, self.idle_ns, MIN_LOOK_NS if self.idle_ns else 0)
        self.timer = timers.add(self.process.kernel.clock.monotonic_ns() + max(MIN_WAIT_NS, wait_ns), self)


class CpuSleep(CpuAlarm):
    """clock_nanosleep on a CPU clock: wakes the sleeper, who looks at the clock again."""

    sleeper: "Task"

    def __init__(self, clock: int, task: "Task | None", sleeper: "Task") -> None:
        super().__init__(clock, task)
        self.sleeper = sleeper

    def fire(self, process: "Process", missed: int) -> None:
        if self.sleeper.wait is not None and self.sleeper.wait.extra is self:
            self.sleeper.wake()


class CpuLimit(CpuAlarm):
    """RLIMIT_CPU: SIGXCPU each second from the soft limit on, SIGKILL at the hard one."""

    def __init__(self) -> None:
        super().__init__(PROCESS)

    def fire(self, process: "Process", missed: int) -> None:
        from cruck.kernel.signal.pending import SI_KERNEL, SigInfo

        user_ns, system_ns = process.kernel.cpu_time_ns(process)
        signo = SIGKILL if user_ns + system_ns >= process.rlimits[RLIMIT_CPU][1] * NS else SIGXCPU
        process.kernel.send_signal_process(process, signo, SigInfo(signo, SI_KERNEL))


NS: Final = 1_000_000_000
SIGKILL: Final = 9
SIGXCPU: Final = 24
RLIMIT_CPU: Final = 0
RLIM_INFINITY: Final = (1 << 64) - 1


def watch_cpu_limit(process: "Process") -> None:
    """To be called when RLIMIT_CPU was set or inherited."""
    soft, hard = process.rlimits[RLIMIT_CPU]
    timers = process.timers
    first = min(soft, hard)
    if first >= RLIM_INFINITY // NS:
        timers.cpu.arm(timers.cpu_limit, 0, 0)
    else:
        # A limit of 0 s is 1 s, as on Linux.
        timers.cpu.arm(timers.cpu_limit, max(1, first) * NS, NS)
