# SPDX-License-Identifier: MPL-2.0
"""eventfd(2). What it does is in ipc/eventfd.py."""

from typing import Final

from cruck.abi.errno import EINVAL
from cruck.abi.fcntl import O_CLOEXEC, O_NONBLOCK
from cruck.kernel.ipc.eventfd import EventFile
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CUInt, Flags

EFD_SEMAPHORE: Final = 1
O_RDWR: Final = 2
RLIMIT_NOFILE: Final = 7


def sys_eventfd2(task: Task, count: CUInt, flags: Flags) -> int:
    """A new descriptor. Errors: EINVAL (flags), EMFILE."""
    if flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK):
        return -EINVAL
    file = EventFile(task.kernel, count, flags & EFD_SEMAPHORE != 0, O_RDWR | flags & O_NONBLOCK)
    return task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), flags & O_CLOEXEC != 0)


def sys_eventfd(task: Task, count: CUInt) -> int:
    """Without flags. Errors: EMFILE."""
    return sys_eventfd2(task, count, Flags(0))
