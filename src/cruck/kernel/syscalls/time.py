# SPDX-License-Identifier: MPL-2.0
"""Time at the edge: clocks, sleeping, interval and POSIX timers."""

import struct
from typing import Final

from cruck.abi.errno import EFAULT, EINVAL, ENOTSUP, EPERM, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ETIMEDOUT
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import Task
from cruck.kernel.signal.pending import NSIG
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.types import CInt, ClockId, CUInt, UserAddr
from cruck.kernel.time.interval_timers import ITIMER_PROF, ITIMER_REAL, CpuTimer, PosixTimer

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
    if clock_id in (CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE):
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
    pid = ~(clock_id >> 3)
    if clock_id & 3 == 3:
        raise LinuxError(EINVAL, "FD clocks")
    if clock_id & 4:
        other = task if pid == 0 else task.find_task(pid)
        if other is None or other.process is not task.process:
            raise LinuxError(EINVAL)
        return other.context.cpu_time_ns() + other.system_ns
    process: Process | None = task.process if pid == 0 else task.find_process(pid)
    if process is None:
        raise LinuxError(EINVAL)
    return sum(task.kernel.cpu_time_ns(process))


def to_monotonic(task: Task, clock_id: int, ns: int) -> int:
    """An absolute time on `clock_id` as a monotonic deadline (≥ 0)."""
    clock = task.kernel.clock
    if clock_id in REALTIME_CLOCKS:
        ns = clock.monotonic_ns() + (ns - clock.realtime_ns())
    elif clock_id in (CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM):
        ns = clock.monotonic_ns() + (ns - clock.boottime_ns())
    return max(0, ns)


def sys_clock_gettime(task: Task, which_clock: ClockId, tp: UserAddr) -> int:
    """Errors: EINVAL, EFAULT."""
    task.user.write(tp, timespec_bytes(clock_ns(task, which_clock)))
    return 0


def sys_clock_getres(task: Task, which_clock: ClockId, tp: UserAddr) -> int:
    clock_ns(task, which_clock)
    coarse = which_clock in (CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE)
    if tp:
        task.user.write(tp, timespec_bytes(4_000_000 if coarse else 1))
    return 0


def sys_clock_settime(task: Task, which_clock: ClockId, tp: UserAddr) -> int:
    """Errors: EPERM (nobody may set the run's clock), EINVAL, EFAULT."""
    read_timespec(task, tp)
    return -EPERM if which_clock == CLOCK_REALTIME else -EINVAL


def sys_gettimeofday(task: Task, tv: UserAddr, tz: UserAddr) -> int:
    if tv:
        task.user.write(tv, timeval_bytes(task.kernel.clock.realtime_ns()))
    if tz:
        task.user.write(tz, bytes(8))
    return 0


def sys_settimeofday(task: Task, tv: UserAddr, tz: UserAddr) -> int:
    if tv:
        read_timeval(task, tv)
    return -EPERM


def sys_time(task: Task, tloc: UserAddr) -> int:
    seconds = task.kernel.clock.realtime_ns() // NS
    if tloc:
        task.user.write_u64(tloc, seconds)
    return seconds


def sys_nanosleep(task: Task, rqtp: UserAddr, rmtp: UserAddr) -> int:
    """Errors: EINTR, EINVAL, EFAULT."""
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
    """Errors: EINVAL (clock, time), EOPNOTSUPP (CPU clocks), EINTR, EFAULT."""
    if which_clock not in SLEEPABLE:
        clock_ns(task, which_clock)
        return -EINVAL if which_clock == CLOCK_THREAD_CPUTIME_ID else -ENOTSUP
    ns = read_timespec(task, rqtp)
    if not flags & TIMER_ABSTIME:
        return _sleep(task, ns, rmtp)
    result = blocking.wait_on(task, None, deadline_ns=to_monotonic(task, which_clock, ns), restart=ERESTARTNOHAND)
    return 0 if result == -ETIMEDOUT else result


def _cpu_timer(task: Task, which: int) -> CpuTimer:
    timers = task.process.timers
    return timers.prof if which == ITIMER_PROF else timers.virtual


def _cpu_ns(task: Task, which: int) -> int:
    user_ns, system_ns = task.kernel.cpu_time_ns(task.process)
    return user_ns + system_ns if which == ITIMER_PROF else user_ns


def _itimer_value(task: Task, which: int) -> bytes:
    if which == ITIMER_REAL:
        left_ns, interval_ns = task.process.timers.real.get()
    else:
        timer = _cpu_timer(task, which)
        interval_ns = timer.interval_ns
        left_ns = max(1000, timer.deadline_ns - _cpu_ns(task, which)) if timer.deadline_ns else 0
    return timeval_bytes(interval_ns) + timeval_bytes(left_ns)


def sys_getitimer(task: Task, which: CInt, value: UserAddr) -> int:
    if not 0 <= which <= 2:
        return -EINVAL
    task.user.write(value, _itimer_value(task, which))
    return 0


def sys_setitimer(task: Task, which: CInt, value: UserAddr, ovalue: UserAddr) -> int:
    """Errors: EINVAL, EFAULT."""
    if not 0 <= which <= 2:
        return -EINVAL
    interval_ns, left_ns = 0, 0
    if value:
        interval_ns, left_ns = read_timeval(task, value), read_timeval(task, value + 16)
    if ovalue:
        task.user.write(ovalue, _itimer_value(task, which))
    if which == ITIMER_REAL:
        task.process.timers.real.set(left_ns, interval_ns)
    else:
        timer = _cpu_timer(task, which)
        timer.interval_ns = interval_ns
        timer.deadline_ns = _cpu_ns(task, which) + left_ns if left_ns else 0
    return 0


def sys_alarm(task: Task, seconds: CUInt) -> int:
    """Returns the seconds that were left, rounded up to at least 1."""
    timer = task.process.timers.real
    left_ns = timer.get()[0]
    timer.set(seconds * NS, 0)
    if left_ns == 0:
        return 0
    return max(1, (left_ns + NS // 2) // NS)


def sys_timer_create(task: Task, which_clock: ClockId, event: UserAddr, created: UserAddr) -> int:
    """Errors: EINVAL (clock, sigevent), EAGAIN (too many), EFAULT, EOPNOTSUPP (CPU clocks)."""
    clock_ns(task, which_clock)
    if which_clock not in SLEEPABLE:
        task.kernel.note_unsupported("timer_create on a CPU-time clock")
        return -ENOTSUP
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
    if len(timers.posix) >= MAX_POSIX_TIMERS:
        return -11
    task.user.write_u32(created, timer_id)
    timers.next_id = timer_id + 1
    timers.posix[timer_id] = PosixTimer(task.process, timer_id, which_clock, notify, signo, value, task.process.pid_ns.find(tid))
    return 0


def _timer(task: Task, timer_id: int) -> PosixTimer:
    timer = task.process.timers.posix.get(timer_id)
    if timer is None:
        raise LinuxError(EINVAL)
    return timer


def _timer_value(timer: PosixTimer) -> bytes:
    return timespec_bytes(timer.interval_ns) + timespec_bytes(timer.left_ns())


def sys_timer_settime(task: Task, timer_id: CInt, flags: CInt, new_setting: UserAddr, old_setting: UserAddr) -> int:
    """Errors: EINVAL, EFAULT."""
    timer = _timer(task, timer_id)
    if not new_setting:
        return -EINVAL
    interval_ns = read_timespec(task, new_setting)
    value_ns = read_timespec(task, new_setting + 16)
    old = _timer_value(timer)
    if value_ns == 0:
        deadline_ns = 0
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
    task.user.write(setting, _timer_value(_timer(task, timer_id)))
    return 0


def sys_timer_getoverrun(task: Task, timer_id: CInt) -> int:
    return _timer(task, timer_id).overrun


def sys_timer_delete(task: Task, timer_id: CInt) -> int:
    timer = _timer(task, timer_id)
    timer.disarm()
    del task.process.timers.posix[timer_id]
    return 0
