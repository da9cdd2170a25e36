# SPDX-License-Identifier: MPL-2.0
"""pipe(2), pipe2(2). What a pipe is: ipc/pipe.py."""

from typing import Final

from cruck.abi.errno import EINVAL
from cruck.abi.fcntl import O_CLOEXEC, O_DIRECT, O_NONBLOCK
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.ipc.pipe import make_pipe
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import OpenFlags, UserAddr

RLIMIT_NOFILE: Final = 7


def sys_pipe2(task: Task, fildes: UserAddr, flags: OpenFlags) -> int:
    """Stores two descriptors (s32 each) at `fildes`. Errors: EINVAL (flags), EMFILE, EFAULT."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT):
        return -EINVAL
    limit = task.process.rlimit(RLIMIT_NOFILE)
    files = task.files
    files.reserve_check(2, limit)
    read_end, write_end = make_pipe(task.kernel, task.creds, flags)
    is_cloexec = flags & O_CLOEXEC != 0
    first = files.install(read_end, limit, is_cloexec)
    second = files.install(write_end, limit, is_cloexec)
    try:
        task.user.write(fildes, first.to_bytes(4, "little") + second.to_bytes(4, "little"))
    except UserFault:
        # Nobody has seen the descriptors: no other task runs in between.
        files.remove(first).put()
        files.remove(second).put()
        raise
    return 0


def sys_pipe(task: Task, fildes: UserAddr) -> int:
    """Errors: EMFILE, EFAULT."""
    return sys_pipe2(task, fildes, OpenFlags(0))
