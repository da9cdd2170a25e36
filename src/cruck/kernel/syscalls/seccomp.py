# SPDX-License-Identifier: MPL-2.0
"""seccomp(2), and prctl(PR_SET_SECCOMP), at the edge."""

import struct
from typing import Final

from cruck.abi.errno import EACCES, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH
from cruck.abi.seccomp import (
    SECCOMP_FILTER_FLAG_LOG,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    SECCOMP_FILTER_FLAG_TSYNC,
    SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
    SECCOMP_GET_ACTION_AVAIL,
    SECCOMP_MODE_DISABLED,
    SECCOMP_MODE_FILTER,
    SECCOMP_MODE_STRICT,
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_SET_MODE_STRICT,
)
from cruck.kernel.process import bpf, seccomp
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CUInt, UserAddr

FLAGS: Final = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH
SOCK_FPROG: Final = struct.Struct("<H6xQ")


def sys_seccomp(task: Task, operation: CUInt, flags: CUInt, args: UserAddr) -> int:
    """Errors: EINVAL (operation, flags, another mode is set, a bad program), EACCES (neither no_new_privs nor CAP_SYS_ADMIN), EFAULT,
    ENOMEM (the chain is too long), EOPNOTSUPP (unknown action), ESRCH (TSYNC_ESRCH)."""
    if operation == SECCOMP_SET_MODE_STRICT:
        return -EINVAL if flags or args else set_strict(task)
    if operation == SECCOMP_SET_MODE_FILTER:
        return set_filter(task, flags, args)
    if operation == SECCOMP_GET_ACTION_AVAIL:
        if flags:
            return -EINVAL
        return 0 if task.user.read_u32(args) in seccomp.ACTIONS else -EOPNOTSUPP
    return -EINVAL


def set_strict(task: Task) -> int:
    if task.seccomp_mode not in (SECCOMP_MODE_DISABLED, SECCOMP_MODE_STRICT):
        return -EINVAL
    seccomp.set_mode(task, SECCOMP_MODE_STRICT, None)
    return 0


def set_filter(task: Task, flags: int, addr: int) -> int:
    """0, or with TSYNC the id of the thread that hindered it."""
    if flags & ~FLAGS or flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH and not flags & SECCOMP_FILTER_FLAG_TSYNC:
        return -EINVAL
    length, instructions = SOCK_FPROG.unpack(task.user.read(addr, SOCK_FPROG.size))
    if not 1 <= length <= bpf.MAX_INSTRUCTIONS:
        return -EINVAL
    if not task.creds.no_new_privs and not task.creds.has_own(CAP_SYS_ADMIN):
        return -EACCES
    program = bpf.decode(task.user.read(instructions, length * bpf.INSTRUCTION.size))
    if program is None or task.seccomp_mode == SECCOMP_MODE_STRICT:
        return -EINVAL
    chain = seccomp.Filter(program, task.seccomp_filter)
    if chain.nr_instructions > seccomp.MAX_PATH_INSTRUCTIONS:
        return -ENOMEM
    if flags & SECCOMP_FILTER_FLAG_TSYNC:
        tid = seccomp.find_unsynchronizable(task)
        if tid:
            return -ESRCH if flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH else tid
    seccomp.set_mode(task, SECCOMP_MODE_FILTER, chain)
    if flags & SECCOMP_FILTER_FLAG_TSYNC:
        seccomp.synchronize(task, chain)
    return 0
