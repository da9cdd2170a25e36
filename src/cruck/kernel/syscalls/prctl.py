# SPDX-License-Identifier: MPL-2.0
"""prctl(2) as programs use it. What concerns hardware or features that are absent here answers EINVAL, as a Linux built without them."""

from typing import Final

from cruck.abi.errno import EINVAL, EPERM
from cruck.abi.prctl import (
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAP_AMBIENT_IS_SET,
    PR_CAP_AMBIENT_LOWER,
    PR_CAP_AMBIENT_RAISE,
    PR_CAPBSET_DROP,
    PR_CAPBSET_READ,
    PR_GET_AUXV,
    PR_GET_CHILD_SUBREAPER,
    PR_GET_DUMPABLE,
    PR_GET_KEEPCAPS,
    PR_GET_NAME,
    PR_GET_NO_NEW_PRIVS,
    PR_GET_PDEATHSIG,
    PR_GET_SECCOMP,
    PR_GET_SECUREBITS,
    PR_GET_THP_DISABLE,
    PR_GET_TID_ADDRESS,
    PR_GET_TIMERSLACK,
    PR_GET_TIMING,
    PR_GET_TSC,
    PR_MCE_KILL_GET,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_KEEPCAPS,
    PR_SET_NAME,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    PR_SET_SECCOMP,
    PR_SET_SECUREBITS,
    PR_SET_THP_DISABLE,
    PR_SET_TIMERSLACK,
    PR_SET_TIMING,
    PR_SET_TSC,
    PR_TIMING_STATISTICAL,
    PR_TSC_ENABLE,
)
from cruck.abi.seccomp import SECCOMP_MODE_FILTER, SECCOMP_MODE_STRICT
from cruck.kernel.process.credentials import CAP_SETPCAP, Credentials
from cruck.kernel.process.task import Task
from cruck.kernel.signal.pending import NSIG
from cruck.kernel.syscalls import seccomp
from cruck.kernel.syscalls.types import CInt, ULong

LAST_CAP: Final = 40
MCE_KILL_DEFAULT: Final = 2
SECURE_KEEP_CAPS: Final = 1 << 4
SECURE_KEEP_CAPS_LOCKED: Final = 1 << 5
SECURE_NO_CAP_AMBIENT_RAISE: Final = 1 << 6
SECURE_ALL_BITS: Final = 0x55
SECURE_ALL_LOCKS: Final = 0xAA


def sys_prctl(task: Task, option: CInt, arg2: ULong, arg3: ULong, arg4: ULong, arg5: ULong) -> int:
    """Errors: EINVAL for options and arguments Linux would refuse and for those not supported; EFAULT, EPERM; seccomp(2)'s."""
    process, user = task.process, task.user
    if option == PR_SET_NAME:
        task.comm = user.read_cstring_prefix(arg2, 15)
        return 0
    if option == PR_GET_NAME:
        user.write(arg2, task.comm.ljust(16, b"\0"))
        return 0
    if option == PR_SET_PDEATHSIG:
        if arg2 > NSIG:
            return -EINVAL
        task.pdeath_signal = arg2
        return 0
    if option == PR_GET_PDEATHSIG:
        user.write_u32(arg2, task.pdeath_signal)
        return 0
    if option == PR_GET_DUMPABLE:
        return process.dumpable
    if option == PR_SET_DUMPABLE:
        if arg2 > 1:
            return -EINVAL
        process.dumpable = arg2
        return 0
    if option == PR_SET_CHILD_SUBREAPER:
        process.is_subreaper = bool(arg2)
        return 0
    if option == PR_GET_CHILD_SUBREAPER:
        user.write_u32(arg2, int(process.is_subreaper))
        return 0
    if option == PR_SET_TIMERSLACK:
        task.timer_slack_ns = arg2 if 0 < arg2 < 1 << 63 else task.default_timer_slack_ns
        return 0
    if option == PR_GET_TIMERSLACK:
        return task.timer_slack_ns
    if option == PR_GET_TID_ADDRESS:
        user.write_u64(arg2, task.clear_child_tid)
        return 0
    if option == PR_GET_SECCOMP:
        return task.seccomp_mode
    if option == PR_SET_SECCOMP:
        if arg2 == SECCOMP_MODE_STRICT:
            return seccomp.set_strict(task)
        return seccomp.set_filter(task, 0, arg3) if arg2 == SECCOMP_MODE_FILTER else -EINVAL
    if option == PR_GET_AUXV:
        if arg4 or arg5:
            return -EINVAL
        user.write(arg2, task.mm.auxv[:arg3])
        return len(task.mm.auxv)
    result = _credentials(task, option, arg2, arg3, arg4, arg5)
    return _hardware(task, option, arg2, bool(arg3 or arg4 or arg5)) if result == NOT_MINE else result


NOT_MINE: Final = 1 << 20


def _credentials(task: Task, option: int, arg2: int, arg3: int, arg4: int, arg5: int) -> int:
    """NOT_MINE: another kind of option."""
    creds = task.creds
    if option == PR_SET_NO_NEW_PRIVS:
        if arg2 != 1 or arg3 or arg4 or arg5:
            return -EINVAL
        task.creds = creds.copy()
        task.creds.no_new_privs = True
        return 0
    if option == PR_GET_NO_NEW_PRIVS:
        return -EINVAL if arg2 or arg3 or arg4 or arg5 else int(creds.no_new_privs)
    if option == PR_CAPBSET_READ:
        return -EINVAL if arg2 > LAST_CAP else creds.cap_bounding >> arg2 & 1
    if option == PR_CAPBSET_DROP:
        if not creds.has_own(CAP_SETPCAP):
            return -EPERM
        if arg2 > LAST_CAP:
            return -EINVAL
        task.creds = creds.copy()
        task.creds.cap_bounding &= ~(1 << arg2)
        return 0
    if option == PR_GET_KEEPCAPS:
        return int(bool(creds.securebits & SECURE_KEEP_CAPS))
    if option == PR_SET_KEEPCAPS:
        if arg2 > 1:
            return -EINVAL
        if creds.securebits & SECURE_KEEP_CAPS_LOCKED:
            return -EPERM
        task.creds = creds.copy()
        task.creds.securebits = creds.securebits & ~SECURE_KEEP_CAPS | (SECURE_KEEP_CAPS if arg2 else 0)
        return 0
    if option == PR_GET_SECUREBITS:
        return creds.securebits
    if option == PR_SET_SECUREBITS:
        old = creds.securebits
        is_locked = (old & SECURE_ALL_LOCKS) >> 1 & (old ^ arg2) or old & SECURE_ALL_LOCKS & ~arg2
        if is_locked or arg2 & ~(SECURE_ALL_BITS | SECURE_ALL_LOCKS) or not creds.has_own(CAP_SETPCAP):
            return -EPERM
        task.creds = creds.copy()
        task.creds.securebits = arg2
        return 0
    if option == PR_CAP_AMBIENT:
        return _ambient(task, creds, arg2, arg3, bool(arg4 or arg5))
    return NOT_MINE


def _ambient(task: Task, creds: Credentials, operation: int, capability: int, has_more: bool) -> int:
    if operation == PR_CAP_AMBIENT_CLEAR_ALL:
        if capability or has_more:
            return -EINVAL
        task.creds = creds.copy()
        task.creds.cap_ambient = 0
        return 0
    if capability > LAST_CAP or has_more:
        return -EINVAL
    bit = 1 << capability
    if operation == PR_CAP_AMBIENT_IS_SET:
        return int(bool(creds.cap_ambient & bit))
    if operation == PR_CAP_AMBIENT_RAISE:
        if not creds.cap_permitted & creds.cap_inheritable & bit or creds.securebits & SECURE_NO_CAP_AMBIENT_RAISE:
            return -EPERM
    elif operation != PR_CAP_AMBIENT_LOWER:
        return -EINVAL
    task.creds = creds.copy()
    task.creds.cap_ambient = creds.cap_ambient | bit if operation == PR_CAP_AMBIENT_RAISE else creds.cap_ambient & ~bit
    return 0


def _hardware(task: Task, option: int, arg2: int, has_more: bool) -> int:
    """What cannot be otherwise here may be declared so."""
    if option == PR_GET_THP_DISABLE:
        return -EINVAL if arg2 or has_more else int(task.process.is_thp_disabled)
    if option == PR_SET_THP_DISABLE:
        if has_more:
            return -EINVAL
        task.process.is_thp_disabled = bool(arg2)  # there are no huge pages at all
        return 0
    if option == PR_GET_TIMING:
        return PR_TIMING_STATISTICAL
    if option == PR_SET_TIMING:
        return 0 if arg2 == PR_TIMING_STATISTICAL else -EINVAL
    if option == PR_GET_TSC:
        task.user.write_u32(arg2, PR_TSC_ENABLE)
        return 0
    if option == PR_SET_TSC:
        return 0 if arg2 == PR_TSC_ENABLE else -EINVAL
    if option == PR_MCE_KILL_GET:
        return -EINVAL if arg2 or has_more else MCE_KILL_DEFAULT
    return -EINVAL
