# SPDX-License-Identifier: MPL-2.0
"""Signal sets as arguments: sigset_t of 8 bytes, and the temporary mask of ppoll, pselect6, epoll_pwait, rt_sigsuspend."""

from typing import Final

from cruck.abi.errno import EINVAL
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import UNBLOCKABLE_MASK

SIGSET_SIZE: Final = 8


def read_sigset(task: Task, addr: int, size: int) -> int:
    """Errors: LinuxError(EINVAL) if size ≠ 8; UserFault."""
    if size != SIGSET_SIZE:
        raise LinuxError(EINVAL)
    return task.user.read_u64(addr)


def set_temporary_mask(task: Task, addr: int, size: int) -> None:
    """Until the call ends the task blocks the set at `addr` (0: no change). Call it at every run of the handler: while the
    mask is in force it does nothing. The trap loop restores the old mask, after delivering what the temporary one admits."""
    if addr == 0 or task.saved_mask >= 0:
        return
    mask = read_sigset(task, addr, size)
    task.saved_mask = task.blocked_mask
    task.blocked_mask = mask & ~UNBLOCKABLE_MASK
