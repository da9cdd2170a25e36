# SPDX-License-Identifier: MPL-2.0
"""seccomp(2), and prctl(PR_SET_SECCOMP), at the edge."""

import struct
from typing import Final

from cruck.abi.errno import EACCES, EBUSY, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH
from cruck.abi.resource import RLIMIT_NOFILE
from cruck.abi.seccomp import (
    SECCOMP_DATA,
    SECCOMP_FILTER_FLAG_LOG,
    SECCOMP_FILTER_FLAG_NEW_LISTENER,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    SECCOMP_FILTER_FLAG_TSYNC,
    SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
    SECCOMP_GET_ACTION_AVAIL,
    SECCOMP_GET_NOTIF_SIZES,
    SECCOMP_MODE_DISABLED,
    SECCOMP_MODE_FILTER,
    SECCOMP_MODE_STRICT,
    SECCOMP_NOTIF,
    SECCOMP_NOTIF_RESP,
    SECCOMP_NOTIF_SIZES,
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_SET_MODE_STRICT,
)
from cruck.kernel.process import bpf, seccomp
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.process.seccomp_listener import ListenerFile
from cruck.kernel.process.seccomp_notify import Listener
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CUInt, UserAddr

FLAGS: Final = (
    SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER
    | SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
)  # fmt: skip
SOCK_FPROG: Final = struct.Struct("<H6xQ")


def sys_seccomp(task: Task, operation: CUInt, flags: CUInt, args: UserAddr) -> int:
    """Errors: EINVAL (operation, flags, another mode is set, a bad program), EACCES (neither no_new_privs nor CAP_SYS_ADMIN), EFAULT,
    ENOMEM (the chain is too long), EOPNOTSUPP (unknown action), ESRCH (TSYNC_ESRCH), EBUSY (a filter has a listener already), EMFILE (for one)."""
    if operation == SECCOMP_SET_MODE_STRICT:
        return -EINVAL if flags or args else set_strict(task)
    if operation == SECCOMP_SET_MODE_FILTER:
        return set_filter(task, flags, args)
    if operation == SECCOMP_GET_NOTIF_SIZES:
        if flags:
            return -EINVAL
        task.user.write(args, SECCOMP_NOTIF_SIZES.pack(SECCOMP_NOTIF.size, SECCOMP_NOTIF_RESP.size, SECCOMP_DATA.size))
        return 0
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
    """0, with NEW_LISTENER its descriptor, or with TSYNC the id of the thread that hindered it."""
    if flags & ~FLAGS or flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH and not flags & SECCOMP_FILTER_FLAG_TSYNC:
        return -EINVAL
    has_listener = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER != 0
    if has_listener and flags & SECCOMP_FILTER_FLAG_TSYNC and not flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH:
        return -EINVAL  # a descriptor or a thread's number?
    if flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV and not has_listener:
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
    result = 0
    if has_listener:
        if chain.has_listener():
            return -EBUSY
        chain.listener = Listener(bool(flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))
        result = task.files.install(ListenerFile(task.kernel, chain), task.process.rlimit(RLIMIT_NOFILE), True)
    seccomp.set_mode(task, SECCOMP_MODE_FILTER, chain)
    if flags & SECCOMP_FILTER_FLAG_TSYNC:
        seccomp.synchronize(task, chain)
    return result
