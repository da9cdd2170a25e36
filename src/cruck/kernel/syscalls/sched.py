# SPDX-License-Identifier: MPL-2.0
"""Scheduling at the edge (sched(7))."""

import struct
from typing import Final

from cruck.abi.errno import E2BIG, EINVAL, EPERM, ESRCH
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_SYS_NICE
from cruck.kernel.process.task import Task
from cruck.kernel.sched.fair import SLICE_NS
from cruck.kernel.syscalls.time import timespec_bytes
from cruck.kernel.syscalls.types import CInt, CUInt, Pid, UserAddr

SCHED_OTHER: Final = 0
SCHED_FIFO: Final = 1
SCHED_RR: Final = 2
SCHED_BATCH: Final = 3
SCHED_IDLE: Final = 5
SCHED_RESET_ON_FORK: Final = 0x4000_0000
POLICIES: Final = (SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE)
REALTIME: Final = (SCHED_FIFO, SCHED_RR)
SCHED_ATTR: Final = struct.Struct("<IIQiIQQQ")
RLIMIT_RTPRIO: Final = 14


def _target(task: Task, pid: int) -> Task:
    """Errors: LinuxError(EINVAL, ESRCH)."""
    if pid < 0:
        raise LinuxError(EINVAL)
    other = task if pid == 0 else task.find_task(pid)
    if other is None:
        raise LinuxError(ESRCH)
    return other


def sys_sched_yield(task: Task) -> int:
    """Goes behind everybody who waits."""
    waiting = task.kernel.sched.entries
    if waiting:
        task.vruntime_ns = max(task.vruntime_ns, max([other.vruntime_ns for other in waiting]) + 1)
    return 0


def sys_sched_getaffinity(task: Task, pid: Pid, length: CUInt, user_mask_ptr: UserAddr) -> int:
    """Bytes written. Errors: EINVAL (length), ESRCH, EFAULT."""
    size = (task.kernel.nr_cpus + 63) // 64 * 8
    if length < size or length & 7:
        return -EINVAL
    other = _target(task, pid)
    task.user.write(user_mask_ptr, other.affinity.to_bytes(size, "little"))
    return size


def sys_sched_setaffinity(task: Task, pid: Pid, length: CUInt, user_mask_ptr: UserAddr) -> int:
    """Errors: EINVAL (no such CPU), ESRCH, EPERM, EFAULT."""
    data = task.user.read(user_mask_ptr, min(length, 128))
    other = _target(task, pid)
    mask = int.from_bytes(data, "little") & ((1 << task.kernel.nr_cpus) - 1)
    if other.creds.euid not in (task.creds.euid, task.creds.uid) and not task.creds.has(CAP_SYS_NICE):
        return -EPERM
    if mask == 0:
        return -EINVAL
    other.affinity = mask
    return 0


def _set(task: Task, other: Task, policy: int, priority: int) -> int:
    if policy not in POLICIES:
        return -EINVAL
    if (policy in REALTIME) != (1 <= priority <= 99) or (policy not in REALTIME and priority != 0):
        return -EINVAL
    if policy in REALTIME and not task.creds.has(CAP_SYS_NICE) and priority > task.process.rlimit(RLIMIT_RTPRIO):
        return -EPERM
    other.policy, other.rt_priority = policy, priority
    return 0


def sys_sched_setscheduler(task: Task, pid: Pid, policy: CInt, param: UserAddr) -> int:
    """Errors: EINVAL, ESRCH, EPERM, EFAULT."""
    if policy < 0 or param == 0:
        return -EINVAL
    return _set(task, _target(task, pid), policy & ~SCHED_RESET_ON_FORK, task.user.read_s32(param))


def sys_sched_getscheduler(task: Task, pid: Pid) -> int:
    return _target(task, pid).policy


def sys_sched_setparam(task: Task, pid: Pid, param: UserAddr) -> int:
    if param == 0:
        return -EINVAL
    other = _target(task, pid)
    return _set(task, other, other.policy, task.user.read_s32(param))


def sys_sched_getparam(task: Task, pid: Pid, param: UserAddr) -> int:
    if param == 0:
        return -EINVAL
    task.user.write_u32(param, _target(task, pid).rt_priority)
    return 0


def sys_sched_get_priority_max(task: Task, policy: CInt) -> int:
    return 99 if policy in REALTIME else 0 if policy in POLICIES or policy == 6 else -EINVAL


def sys_sched_get_priority_min(task: Task, policy: CInt) -> int:
    return 1 if policy in REALTIME else 0 if policy in POLICIES or policy == 6 else -EINVAL


def sys_sched_rr_get_interval(task: Task, pid: Pid, interval: UserAddr) -> int:
    other = _target(task, pid)
    task.user.write(interval, timespec_bytes(0 if other.policy == SCHED_FIFO else SLICE_NS))
    return 0


def sys_sched_getattr(task: Task, pid: Pid, uattr: UserAddr, usize: CUInt, flags: CUInt) -> int:
    if uattr == 0 or flags or not 48 <= usize <= 4096:
        return -EINVAL
    other = _target(task, pid)
    task.user.write(uattr, SCHED_ATTR.pack(48, other.policy, 0, other.nice, other.rt_priority, 0, 0, 0))
    return 0


def sys_sched_setattr(task: Task, pid: Pid, uattr: UserAddr, flags: CUInt) -> int:
    """Errors: EINVAL, E2BIG, ESRCH, EPERM, EFAULT."""
    if uattr == 0 or flags:
        return -EINVAL
    size = task.user.read_u32(uattr)
    if size == 0:
        size = 48
    if not 48 <= size <= 4096:
        task.user.write_u32(uattr, 56)
        return -E2BIG
    _, policy, _, nice, priority, _, _, _ = SCHED_ATTR.unpack(task.user.read(uattr, 48))
    other = _target(task, pid)
    if policy not in REALTIME and not -20 <= nice <= 19:
        return -EINVAL
    if nice < other.nice and not task.creds.has(CAP_SYS_NICE) and policy not in REALTIME:
        return -EPERM
    result = _set(task, other, policy, priority)
    if result == 0 and policy not in REALTIME:
        other.nice = nice
    return result
