# SPDX-License-Identifier: MPL-2.0
"""Descriptors: close, close_range, dup, dup2, dup3."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EBADF, EINTR, EINVAL, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS
from cruck.abi.fcntl import O_CLOEXEC
from cruck.kernel.syscalls.types import CUInt, Fd, Flags, OpenFlags

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

RLIMIT_NOFILE: Final = 7
CLOSE_RANGE_UNSHARE: Final = 2
CLOSE_RANGE_CLOEXEC: Final = 4


def sys_close(task: "Task", fd: Fd) -> int:
    """The descriptor is gone whatever the result. Errors: EBADF, EIO (what flushing the file said)."""
    result = task.files.close(fd, task)
    # It cannot be restarted: the descriptor is gone.
    if result in (-ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND):
        return -EINTR
    return result


def sys_close_range(task: "Task", first: CUInt, last: CUInt, flags: Flags) -> int:
    """Errors: EINVAL (first > last, unknown flags)."""
    if flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) or first > last:
        return -EINVAL
    if flags & CLOSE_RANGE_UNSHARE and task.files.refs > 1:
        copy = task.files.copy()
        task.files.release(task)
        task.files = copy
    table = task.files
    for fd in table.open_fds():
        if first <= fd <= last:
            if flags & CLOSE_RANGE_CLOEXEC:
                table.cloexec.add(fd)
            else:
                table.close(fd, task)
    return 0


def sys_dup(task: "Task", fd: Fd) -> int:
    """Errors: EBADF, EMFILE."""
    file = task.files.get_any(fd)
    return task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), False)


def sys_dup2(task: "Task", old: Fd, new: Fd) -> int:
    """Errors: EBADF (also: new outside of RLIMIT_NOFILE)."""
    if old == new:
        task.files.get_any(old)
        return new
    return _dup_to(task, old, new, False)


def sys_dup3(task: "Task", old: Fd, new: Fd, flags: OpenFlags) -> int:
    """Errors: EBADF (also: new outside of RLIMIT_NOFILE), EINVAL (old == new, unknown flags)."""
    if flags & ~O_CLOEXEC or old == new:
        return -EINVAL
    return _dup_to(task, old, new, bool(flags & O_CLOEXEC))


def _dup_to(task: "Task", old: int, new: int, is_cloexec: bool) -> int:
    if not 0 <= new < task.process.rlimit(RLIMIT_NOFILE):
        return -EBADF
    table = task.files
    file = table.get_any(old)
    replaced = table.install_at(new, file, is_cloexec)
    if replaced is not None:
        table.drop(replaced, task)
    return new
