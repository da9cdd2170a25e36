# SPDX-License-Identifier: MPL-2.0
"""Time at the edge: clocks, sleeping, interval and POSIX timers."""

import struct
from typing import Final

from cruck.abi.errno import EAGAIN, EFAULT, EINVAL, ENOTSUP, EPERM, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ETIMEDOUT
from cruck.abi.resource import RLIMIT_SIGPENDING
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.ledger import TIMER
from cruck.kernel.process.credentials import CAP_WAKE_ALARM
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import Task
from cruck.kernel.signal.pending import NSIG
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.types import CInt, ClockId, CUInt, UserAddr
from cruck.kernel.time.cpu_timers import PROCESS, THREAD, VIRTUAL, CpuAlarm, CpuSleep
from cruck.kernel.time.interval_timers import ITIMER_PROF, ITIMER_REAL, PosixAlarm, PosixTimer

TIMESPEC: Final = struct.Struct("<qq")
TIMEVAL: Final = TIMESPEC
SIGEVENT: Final = struct.Struct("<Qiii")

CLOCK_REALTIME: Final = 0
CLOCK_MONOTONIC: Final = 1
CLOCK_PROCESS_CPUTIME_ID: Final = 2
CLOCK_THREAD_CPUTIME_ID: Final = 3
CLOCK_MONOTONIC_RAW: Final = 4
CLOCK_REALTIME_COARSE: Final = 5
CLOCK_MONOTONIC_COARSE: Final = 6
CLOCK_BOOTTIME: Final = 7
CLOCK_REALTIME_ALARM: Final = 8
CLOCK_BOOTTIME_ALARM: Final = 9
CLOCK_TAI: Final = 11
TIMER_ABSTIME: Final = 1
REALTIME_CLOCKS: Final = (CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM, CLOCK_TAI)
SLEEPABLE: Final = (CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM, CLOCK_TAI)
ALARM_CLOCKS: Final = (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM)
CPUCLOCK_VIRT: Final = 1
NS: Final = 1_000_000_000
MAX_NS: Final = (1 << 63) - 1
SIGEV_SIGNAL: Final = 0
SIGEV_NONE: Final = 1
SIGEV_THREAD_ID: Final = 4
MAX_POSIX_TIMERS: Final = 4096


def read_timespec(task: Task, addr: int) -> int:
    """ns, clipped to 63 bits. Errors: LinuxError(EINVAL) for negative or denormal values; UserFault."""
    seconds, ns = TIMESPEC.unpack(task.user.read(addr, 16))
    if seconds < 0 or not 0 <= ns < NS:
        raise LinuxError(EINVAL)
    return int(min(seconds * NS + ns, MAX_NS))


def read_timeval(task: Task, addr: int) -> int:
    """ns. Errors: LinuxError(EINVAL); UserFault."""
    seconds, us = TIMEVAL.unpack(task.user.read(addr, 16))
    if seconds < 0 or not 0 <= us < 1_000_000:
        raise LinuxError(EINVAL)
    return int(min(seconds * NS + us * 1000, MAX_NS))


def timespec_bytes(ns: int) -> bytes:
    return TIMESPEC.pack(ns // NS, ns % NS)


def timeval_bytes(ns: int) -> bytes:
    return TIMEVAL.pack(ns // NS, ns % NS // 1000)


def clock_ns(task: Task, clock_id: int) -> int:
    """Errors: LinuxError(EINVAL): no such clock."""
    kernel = task.kernel
    if clock_id in (CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE):
        return kernel.clock.coarse_ns(clock_id == CLOCK_REALTIME_COARSE)
    if clock_id in (CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW):
        return kernel.clock.monotonic_ns()
    if clock_id in REALTIME_CLOCKS:
        return kernel.clock.realtime_ns()
    if clock_id in (CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM):
        return kernel.clock.boottime_ns()
    if clock_id == CLOCK_PROCESS_CPUTIME_ID:
        return sum(kernel.cpu_time_ns(task.process))
    if clock_id == CLOCK_THREAD_CPUTIME_ID:
        return task.context.cpu_time_ns() + task.system_ns
    if clock_id < 0:
        return _cpu_clock_ns(task, clock_id)
    raise LinuxError(EINVAL)


def _cpu_clock_ns(task: Task, clock_id: int) -> int:
    """Clocks of other processes and threads: (~pid << 3) | 4 for threads | 2 (include/linux/posix-timers.h)."""
    if clock_id & 3 == 3:
        raise LinuxError(EINVAL, "FD clocks")
    process, clock, thread = cpu_clock_of(task, clock_id)
    return process.timers.cpu.now_ns(CpuAlarm(clock, thread))


def to_monotonic(task: Task, clock_id: int, ns: int) -> int:
    """An absolute time on `clock_id` as a monotonic deadline (≥ 0)."""
    clock = task.kernel.clock
    if clock_id in REALTIME_CLOCKS:
        ns = clock.monotonic_ns() + (ns - clock.realtime_ns())
    elif clock_id in (CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM):
        ns = clock.monotonic_ns() + (ns - clock.boottime_ns())
    return max(0, ns)


def sys_clock_gettime(task: Task, which_clock: ClockId, tp: UserAddr) -> int:
    """Errors: EINVAL (no such clock), EFAULT."""
    task.user.write(tp, timespec_bytes(clock_ns(task, which_clock)))
    return 0


def sys_clock_getres(task: Task, which_clock: ClockId, tp: UserAddr) -> int:
    """Errors: EINVAL (no such clock), EFAULT."""
    clock_ns(task, which_clock)
    coarse = which_clock in (CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE)
    if tp:
        task.user.write(tp, timespec_bytes(4_000_000 if coarse else 1))
    return 0


def sys_clock_settime(task: Task, which_clock: ClockId, tp: UserAddr) -> int:
    """Errors: EINVAL (a clock that cannot be set, time), EFAULT, EPERM (in the end: nobody may set the run's clock)."""
    if which_clock == CLOCK_REALTIME:
        read_timespec(task, tp)
    elif which_clock >= 0:
        return -EINVAL
    else:
        clock_ns(task, which_clock)  # CPU clocks are nobody's to set
        task.user.read(tp, TIMESPEC.size)
    return -EPERM


def sys_gettimeofday(task: Task, tv: UserAddr, tz: UserAddr) -> int:
    """Errors: EFAULT."""
    if tv:
        task.user.write(tv, timeval_bytes(task.kernel.clock.realtime_ns()))
    if tz:
        task.user.write(tz, bytes(8))
    return 0


def sys_settimeofday(task: Task, tv: UserAddr, tz: UserAddr) -> int:
    """Errors: EFAULT, EINVAL (time), EPERM (in the end: nobody may set the run's clock)."""
    if tv:
        read_timeval(task, tv)
    if tz:
        task.user.read(tz, 8)
    return -EPERM


def sys_time(task: Task, tloc: UserAddr) -> int:
    """Seconds. Errors: EFAULT."""
    seconds = task.kernel.clock.realtime_ns() // NS
    if tloc:
        task.user.write_u64(tloc, seconds)
    return seconds


def sys_nanosleep(task: Task, rqtp: UserAddr, rmtp: UserAddr) -> int:
    """Errors: EINVAL (time), EFAULT, EINTR (the time left is in `rmtp`)."""
    return _sleep(task, read_timespec(task, rqtp), rmtp)


def _sleep(task: Task, duration_ns: int, rmtp: int) -> int:
    deadline_ns = blocking.deadline_after(task, duration_ns)
    result = blocking.wait_on(task, None, deadline_ns=deadline_ns, restart=ERESTART_RESTARTBLOCK)
    if result == -ETIMEDOUT:
        return 0
    if result == -ERESTART_RESTARTBLOCK and rmtp:
        left_ns = max(0, deadline_ns - task.kernel.clock.monotonic_ns())
        task.user.write(rmtp, timespec_bytes(left_ns))
    return result


def sys_clock_nanosleep(task: Task, which_clock: ClockId, flags: CInt, rqtp: UserAddr, rmtp: UserAddr) -> int:
    """Errors: EINVAL (clock, time), EOPNOTSUPP (this thread's CPU clock, coarse and raw ones), EFAULT, EPERM (alarm clocks without
    CAP_WAKE_ALARM), EINTR (the time left is in `rmtp`, unless absolute)."""
    if which_clock not in SLEEPABLE:
        clock_ns(task, which_clock)
        if which_clock == CLOCK_THREAD_CPUTIME_ID or not is_cpu_clock(which_clock):
            return -ENOTSUP
        return _sleep_cpu(task, which_clock, read_timespec(task, rqtp), bool(flags & TIMER_ABSTIME), rmtp)
    if which_clock in ALARM_CLOCKS and not task.creds.has(CAP_WAKE_ALARM):
        return -EPERM
    ns = read_timespec(task, rqtp)
    if not flags & TIMER_ABSTIME:
        return _sleep(task, ns, rmtp)
    result = blocking.wait_on(task, None, deadline_ns=to_monotonic(task, which_clock, ns), restart=ERESTARTNOHAND)
    return 0 if result == -ETIMEDOUT else result


def is_cpu_clock(clock_id: int) -> bool:
    return clock_id < 0 or clock_id in (CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID)


def cpu_clock_of(task: Task, clock_id: int) -> tuple[Process, int, Task | None]:
    """(process, VIRTUAL … THREAD, thread) of a CPU clock that clock_ns() accepts."""
    if clock_id == CLOCK_PROCESS_CPUTIME_ID:
        return task.process, PROCESS, None
    if clock_id == CLOCK_THREAD_CPUTIME_ID:
        return task.process, THREAD, task
    pid = ~(clock_id >> 3)
    kind = VIRTUAL if clock_id & 3 == CPUCLOCK_VIRT else PROCESS
    if clock_id & 4:
        other = task if pid == 0 else task.find_task(pid)
        if other is None or other.process is not task.process:
            raise LinuxError(EINVAL)
        return task.process, THREAD, other
    process: Process | None = task.process if pid == 0 else task.find_process(pid)
    if process is None:
        raise LinuxError(EINVAL)
    return process, kind, None


def _sleep_cpu(task: Task, clock_id: int, ns: int, is_absolute: bool, rmtp: int) -> int:
    process, clock, thread = cpu_clock_of(task, clock_id)
    if thread is task:
        return -EINVAL  # it would never come
    cpu = process.timers.cpu
    sleep = task.wait.extra if task.wait is not None else None
    if not isinstance(sleep, CpuSleep):
        sleep = CpuSleep(clock, thread, task)
        cpu.arm(sleep, ns if is_absolute else cpu.now_ns(sleep) + ns, 0)
    if sleep.deadline_ns == 0 or process.is_zombie:
        return 0
    restart = ERESTARTNOHAND if is_absolute else ERESTART_RESTARTBLOCK
    result = blocking.wait_on(task, None, restart=restart)
    if result == blocking.BLOCKED:
        blocking.record(task).extra = sleep
        return result
    if not is_absolute and rmtp:
        task.user.write(rmtp, timespec_bytes(cpu.left_ns(sleep)))
    cpu.arm(sleep, 0, 0)
    return result


def _alarm(task: Task, which: int) -> CpuAlarm:
    timers = task.process.timers
    return timers.prof if which == ITIMER_PROF else timers.virtual


def _itimer_value(task: Task, which: int) -> bytes:
    timers = task.process.timers
    if which == ITIMER_REAL:
        left_ns, interval_ns = timers.real.get()
    else:
        alarm = _alarm(task, which)
        left_ns, interval_ns = timers.cpu.left_ns(alarm), alarm.interval_ns
        if left_ns:
            left_ns = max(1000, left_ns)
    return timeval_bytes(interval_ns) + timeval_bytes(left_ns)


def sys_getitimer(task: Task, which: CInt, value: UserAddr) -> int:
    """Errors: EINVAL (which), EFAULT."""
    if not 0 <= which <= 2:
        return -EINVAL
    task.user.write(value, _itimer_value(task, which))
    return 0


def sys_setitimer(task: Task, which: CInt, value: UserAddr, ovalue: UserAddr) -> int:
    """Errors: EINVAL (which, time), EFAULT."""
    if not 0 <= which <= 2:
        return -EINVAL
    interval_ns, left_ns = 0, 0
    if value:
        interval_ns, left_ns = read_timeval(task, value), read_timeval(task, value + 16)
    if ovalue:
        task.user.write(ovalue, _itimer_value(task, which))
    timers = task.process.timers
    if which == ITIMER_REAL:
        timers.real.set(left_ns, interval_ns)
    else:
        alarm = _alarm(task, which)
        timers.cpu.arm(alarm, timers.cpu.now_ns(alarm) + left_ns if left_ns else 0, interval_ns)
    return 0


def sys_alarm(task: Task, seconds: CUInt) -> int:
    """The seconds that were left, rounded to the nearest, at least 1. Never fails."""
    timer = task.process.timers.real
    left_ns = timer.get()[0]
    timer.set(seconds * NS, 0)
    if left_ns == 0:
        return 0
    return max(1, (left_ns + NS // 2) // NS)


def sys_timer_create(task: Task, which_clock: ClockId, event: UserAddr, created: UserAddr) -> int:
    """Errors: EINVAL (clock, sigevent), EOPNOTSUPP (coarse and raw clocks), EPERM (alarm clocks without CAP_WAKE_ALARM), EAGAIN (more than
    RLIMIT_SIGPENDING), EFAULT."""
    clock_ns(task, which_clock)
    if which_clock not in SLEEPABLE and not is_cpu_clock(which_clock):
        return -ENOTSUP
    if which_clock in ALARM_CLOCKS and not task.creds.has(CAP_WAKE_ALARM):
        return -EPERM
    timers = task.process.timers
    timer_id = timers.next_id
    notify, signo, value, tid = SIGEV_SIGNAL, 14, timer_id, 0
    if event:
        value, signo, notify, tid = SIGEVENT.unpack(task.user.read(event, SIGEVENT.size))
        if notify not in (SIGEV_SIGNAL, SIGEV_NONE, 2, SIGEV_THREAD_ID):
            return -EINVAL
        if notify != SIGEV_NONE and not 1 <= signo <= NSIG:
            return -EINVAL
        if notify == SIGEV_THREAD_ID and task.process.pid_ns.find(tid) not in task.process.threads:
            return -EINVAL
    ledger = task.kernel.ledger
    limit = min(task.process.rlimit(RLIMIT_SIGPENDING), MAX_POSIX_TIMERS)  # each has room for its signal
    if len(timers.posix) >= limit or not ledger.has_room(TIMER):
        return -EAGAIN
    task.user.write_u32(created, timer_id)
    timers.next_id = timer_id + 1
    ledger.used += TIMER
    timer = timers.posix[timer_id] = PosixTimer(task.process, timer_id, which_clock, notify, signo, value, task.process.pid_ns.find(tid))
    if is_cpu_clock(which_clock):
        process, clock, thread = cpu_clock_of(task, which_clock)
        timer.clock_process = process
        timer.alarm = PosixAlarm(timer, clock, thread)
    return 0


def _timer(task: Task, timer_id: int) -> PosixTimer:
    timer = task.process.timers.posix.get(timer_id)
    if timer is None:
        raise LinuxError(EINVAL)
    return timer


def _timer_value(timer: PosixTimer) -> bytes:
    return timespec_bytes(timer.period.interval_ns) + timespec_bytes(timer.left_ns())


def sys_timer_settime(task: Task, timer_id: CInt, flags: CInt, new_setting: UserAddr, old_setting: UserAddr) -> int:
    """Errors: EINVAL (no such timer, time), EFAULT."""
    timer = _timer(task, timer_id)
    if not new_setting:
        return -EINVAL
    interval_ns = read_timespec(task, new_setting)
    value_ns = read_timespec(task, new_setting + 16)
    old = _timer_value(timer)
    if value_ns == 0:
        deadline_ns = 0
    elif timer.alarm is not None:
        base_ns = 0 if flags & TIMER_ABSTIME else timer.clock_process.timers.cpu.now_ns(timer.alarm)
        deadline_ns = max(1, base_ns + value_ns)
    elif flags & TIMER_ABSTIME:
        deadline_ns = max(1, to_monotonic(task, timer.clock_id, value_ns))
    else:
        deadline_ns = task.kernel.clock.monotonic_ns() + value_ns
    timer.set(deadline_ns, interval_ns)
    if old_setting:
        try:
            task.user.write(old_setting, old)
        except UserFault:
            return -EFAULT
    return 0


def sys_timer_gettime(task: Task, timer_id: CInt, setting: UserAddr) -> int:
    """Errors: EINVAL (no such timer), EFAULT."""
    task.user.write(setting, _timer_value(_timer(task, timer_id)))
    return 0


def sys_timer_getoverrun(task: Task, timer_id: CInt) -> int:
    """Errors: EINVAL (no such timer)."""
    return _timer(task, timer_id).last_overrun()


def sys_timer_delete(task: Task, timer_id: CInt) -> int:
    """Errors: EINVAL (no such timer)."""
    timer = _timer(task, timer_id)
    timer.disarm()
    del task.process.timers.posix[timer_id]
    task.kernel.ledger.used -= TIMER
    return 0
