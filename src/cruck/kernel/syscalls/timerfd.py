# SPDX-License-Identifier: MPL-2.0
"""timerfd_create(2), timerfd_settime(2), timerfd_gettime(2). What a timerfd does is in ipc/timerfd.py."""

from typing import Final

from cruck.abi.errno import EINVAL, EPERM
from cruck.abi.fcntl import O_CLOEXEC, O_NONBLOCK
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.timerfd import TimerFile
from cruck.kernel.process.credentials import CAP_WAKE_ALARM
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.timespec import deadline_from_now, monotonic_deadline, pack_timespec, read_timespec
from cruck.kernel.syscalls.types import ClockId, Fd, Flags, UserAddr

CLOCK_REALTIME: Final = 0
CLOCK_MONOTONIC: Final = 1
CLOCK_BOOTTIME: Final = 7
CLOCK_REALTIME_ALARM: Final = 8
CLOCK_BOOTTIME_ALARM: Final = 9
TFD_TIMER_ABSTIME: Final = 1
# Reads would fail with ECANCELED when the real-time clock is set; nobody can set it here, so they never do.
TFD_TIMER_CANCEL_ON_SET: Final = 2
O_RDWR: Final = 2
RLIMIT_NOFILE: Final = 7


def sys_timerfd_create(task: Task, clockid: ClockId, flags: Flags) -> int:
    """A new descriptor. Errors: EINVAL (flags, clock), EPERM (an alarm clock without CAP_WAKE_ALARM), EMFILE."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK):
        return -EINVAL
    if clockid in (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM):
        if not task.creds.has(CAP_WAKE_ALARM):
            return -EPERM
    elif clockid not in (CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME):
        return -EINVAL
    file = TimerFile(task.kernel, clockid, O_RDWR | flags & O_NONBLOCK)
    return task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), flags & O_CLOEXEC != 0)


def _timer(task: Task, fd: int) -> TimerFile:
    file = task.files.get(fd)
    if not isinstance(file, TimerFile):
        raise LinuxError(EINVAL)
    return file


def sys_timerfd_settime(task: Task, ufd: Fd, flags: Flags, utmr: UserAddr, otmr: UserAddr) -> int:
    """Errors: EFAULT, EINVAL (flags, times, another kind of file), EBADF."""
    interval_ns = read_timespec(task, utmr)
    value_ns = read_timespec(task, UserAddr(utmr + 16))
    if flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET):
        return -EINVAL
    file = _timer(task, ufd)
    left_ns, old_interval_ns = file.remaining()
    if value_ns == 0:
        deadline = -1
    elif flags & TFD_TIMER_ABSTIME:
        clock = file.clock_id
        if clock == CLOCK_REALTIME_ALARM:
            clock = CLOCK_REALTIME
        elif clock == CLOCK_BOOTTIME_ALARM:
            clock = CLOCK_BOOTTIME
        deadline = monotonic_deadline(task.kernel, clock, value_ns)
    else:
        deadline = deadline_from_now(task.kernel, value_ns)
    file.set(deadline, interval_ns)
    if otmr:
        task.user.write(otmr, pack_timespec(old_interval_ns) + pack_timespec(left_ns))
    return 0


def sys_timerfd_gettime(task: Task, ufd: Fd, otmr: UserAddr) -> int:
    """Errors: EBADF, EINVAL (another kind of file), EFAULT."""
    left_ns, interval_ns = _timer(task, ufd).remaining()
    task.user.write(otmr, pack_timespec(interval_ns) + pack_timespec(left_ns))
    return 0
