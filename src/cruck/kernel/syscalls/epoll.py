# SPDX-License-Identifier: MPL-2.0
"""epoll_create(2), epoll_ctl(2), epoll_wait(2) and their variants. What an epoll does is in poll/epoll.py."""

from typing import Final

from cruck.abi.errno import EFAULT, EINTR, EINVAL, EPERM, ETIMEDOUT
from cruck.abi.eventpoll import EPOLL_EVENT
from cruck.abi.fcntl import O_CLOEXEC
from cruck.kernel.errors import LinuxError
from cruck.kernel.poll.epoll import EpollFile
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import NO_DEADLINE, deadline_after, wait_on
from cruck.kernel.syscalls.signal_mask import set_temporary_mask
from cruck.kernel.syscalls.timespec import read_timespec
from cruck.kernel.syscalls.types import CInt, Fd, Flags, Millis, Size, UserAddr

EPOLL_CTL_ADD: Final = 1
EPOLL_CTL_DEL: Final = 2
EPOLL_CTL_MOD: Final = 3
RLIMIT_NOFILE: Final = 7
MAX_EVENTS: Final = 0x7FFF_FFFF // 12  # EP_MAX_EVENTS
# Events copied by one call: the guest may ask for millions, but only this many are packed at once.
_MOST_AT_ONCE: Final = 1 << 16


def sys_epoll_create1(task: Task, flags: Flags) -> int:
    """A new descriptor. Errors: EINVAL (flags), EMFILE."""
    if flags & ~O_CLOEXEC:
        return -EINVAL
    return task.files.install(EpollFile(task.kernel), task.process.rlimit(RLIMIT_NOFILE), flags & O_CLOEXEC != 0)


def sys_epoll_create(task: Task, size: CInt) -> int:
    """A new descriptor. Errors: EINVAL (size ≤ 0), EMFILE."""
    if size <= 0:
        return -EINVAL
    return sys_epoll_create1(task, Flags(0))


def _epoll(task: Task, epfd: int) -> EpollFile:
    file = task.files.get(epfd)
    if not isinstance(file, EpollFile):
        raise LinuxError(EINVAL)
    return file


def sys_epoll_ctl(task: Task, epfd: Fd, op: CInt, fd: Fd, event: UserAddr) -> int:
    """Errors: EFAULT, EBADF (either descriptor), EPERM (readiness of `fd` never changes), EINVAL (no epoll, itself, operation,
    EPOLLEXCLUSIVE), ELOOP (a circle, or more than 5 deep), EEXIST, ENOENT."""
    events = data = 0
    if op != EPOLL_CTL_DEL:
        events, data = EPOLL_EVENT.unpack(task.user.read(event, EPOLL_EVENT.size))
    task.files.get(epfd)
    file = task.files.get(fd)
    if file.wait_queue() is None:
        return -EPERM
    epoll = _epoll(task, epfd)
    if op == EPOLL_CTL_ADD:
        return epoll.add(file, fd, events, data)
    if op == EPOLL_CTL_DEL:
        return epoll.delete(file, fd)
    if op == EPOLL_CTL_MOD:
        return epoll.modify(file, fd, events, data)
    return -EINVAL


def sys_epoll_wait(task: Task, epfd: Fd, events: UserAddr, maxevents: CInt, timeout: Millis) -> int:
    """Number of events stored; 0 after `timeout` ms (< 0: none). Errors: EINVAL (no epoll, maxevents ≤ 0), EBADF, EFAULT, EINTR (never
    restarted: epoll_wait(2) in signal(7))."""
    return _wait(task, epfd, events, maxevents, timeout * 1_000_000 if timeout >= 0 else -1)


def sys_epoll_pwait(task: Task, epfd: Fd, events: UserAddr, maxevents: CInt, timeout: Millis, sigmask: UserAddr, sigsetsize: Size) -> int:
    """As epoll_wait, with a signal mask. Errors: also EINVAL (its size)."""
    set_temporary_mask(task, sigmask, sigsetsize)
    return _wait(task, epfd, events, maxevents, timeout * 1_000_000 if timeout >= 0 else -1)


def sys_epoll_pwait2(
    task: Task, epfd: Fd, events: UserAddr, maxevents: CInt, timeout: UserAddr, sigmask: UserAddr, sigsetsize: Size
) -> int:
    """As epoll_pwait, with a timespec (0: none). Errors: also EINVAL (time)."""
    timeout_ns = -1
    if task.wait is None and timeout:
        timeout_ns = read_timespec(task, timeout)
    set_temporary_mask(task, sigmask, sigsetsize)
    return _wait(task, epfd, events, maxevents, timeout_ns)


def _wait(task: Task, epfd: Fd, events: UserAddr, maxevents: CInt, timeout_ns: int) -> int:
    """timeout_ns: < 0 none. At a later run the deadline of the first one counts."""
    if not 0 < maxevents <= MAX_EVENTS:
        return -EINVAL
    epoll = _epoll(task, epfd)
    found = epoll.collect(min(maxevents, _MOST_AT_ONCE))
    if found:
        parts: list[bytes] = []
        for item, mask in found:
            parts.append(EPOLL_EVENT.pack(mask, item.data))
        data = b"".join(parts)
        nr_written = task.user.write_some(events, data) // EPOLL_EVENT.size
        if nr_written < len(found):
            epoll.give_back(found[nr_written:])
            if nr_written == 0:
                return -EFAULT
        return nr_written
    if timeout_ns == 0 and task.wait is None:
        return 0
    deadline = task.wait.deadline_ns if task.wait is not None else deadline_after(task, timeout_ns) if timeout_ns > 0 else NO_DEADLINE
    result = wait_on(task, epoll.waiters, 1, deadline, EINTR)
    return 0 if result == -ETIMEDOUT else result
