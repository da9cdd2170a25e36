# SPDX-License-Identifier: MPL-2.0
"""signalfd(2). What it does is in ipc/signalfd.py."""

from typing import Final

from cruck.abi.errno import EINVAL
from cruck.abi.fcntl import O_CLOEXEC, O_NONBLOCK
from cruck.kernel.ipc.signalfd import SignalFile
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import UNBLOCKABLE_MASK
from cruck.kernel.syscalls.signal_mask import read_sigset
from cruck.kernel.syscalls.types import Fd, Flags, Size, UserAddr

O_RDWR: Final = 2
RLIMIT_NOFILE: Final = 7


def sys_signalfd4(task: Task, ufd: Fd, user_mask: UserAddr, sizemask: Size, flags: Flags) -> int:
    """A new descriptor for ufd = −1, else `ufd` with another mask. Errors: EINVAL (size ≠ 8, flags, another kind of file), EFAULT, EBADF,
    EMFILE."""
    mask = read_sigset(task, user_mask, sizemask) & ~UNBLOCKABLE_MASK
    if flags & ~(O_CLOEXEC | O_NONBLOCK):
        return -EINVAL
    if ufd == -1:
        file = SignalFile(task.kernel, mask, O_RDWR | flags & O_NONBLOCK)
        return task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), flags & O_CLOEXEC != 0)
    existing = task.files.get(ufd)
    if not isinstance(existing, SignalFile):
        return -EINVAL
    existing.set_mask(mask)
    return ufd


def sys_signalfd(task: Task, ufd: Fd, user_mask: UserAddr, sizemask: Size) -> int:
    """As signalfd4 without flags."""
    return sys_signalfd4(task, ufd, user_mask, sizemask, Flags(0))
