# SPDX-License-Identifier: MPL-2.0
"""Scheduling at the edge (sched(7))."""

import struct
from typing import Final

from cruck.abi.errno import E2BIG, EINVAL, EOPNOTSUPP, EPERM, ESRCH
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
RLIMIT_NICE: Final = 13
FLAG_RESET_ON_FORK: Final = 1
FLAG_KEEP_POLICY: Final = 8
FLAG_KEEP_PARAMS: Final = 16
UTIL_CLAMP_FLAGS: Final = 0x60
ALL_FLAGS: Final = 0x7F


def _target(task: Task, pid: int) -> Task:
    """Errors: LinuxError(EINVAL, ESRCH)."""
    if pid < 0:
        raise LinuxError(EINVAL)
    return _anybody(task, pid)


def _anybody(task: Task, pid: int) -> Task:
    """Errors: LinuxError(ESRCH)."""
    other = task if pid == 0 else task.find_task(pid)
    if other is None:
        raise LinuxError(ESRCH)
    return other


def _is_owner(task: Task, other: Task) -> bool:
    return other.creds.euid == task.creds.euid or other.creds.uid == task.creds.euid


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
    other = _anybody(task, pid)
    task.user.write(user_mask_ptr, other.affinity.to_bytes(size, "little"))
    return size


def sys_sched_setaffinity(task: Task, pid: Pid, length: CUInt, user_mask_ptr: UserAddr) -> int:
    """Errors: EINVAL (no such CPU), ESRCH, EPERM, EFAULT."""
    kernel = task.kernel
    data = task.user.read(user_mask_ptr, min(length, 128))
    other = _anybody(task, pid)
    everywhere = (1 << kernel.nr_cpus) - 1
    mask = int.from_bytes(data, "little") & everywhere
    if not _is_owner(task, other) and not task.creds.has_in(other.creds.user_ns, CAP_SYS_NICE):
        return -EPERM
    if mask == 0:
        return -EINVAL
    other.affinity = mask
    if mask != everywhere:
        kernel.vdso.stop_guessing_cpus()
    if not mask >> other.cpu & 1:
        kernel.sched.reconsider(other)
    return 0


def _set(task: Task, other: Task, policy: int, priority: int, nice: int) -> int:
    """__sched_setscheduler: `policy` with SCHED_RESET_ON_FORK or without. Errors: EINVAL, EPERM."""
    resets_on_fork = bool(policy & SCHED_RESET_ON_FORK)
    policy &= ~SCHED_RESET_ON_FORK
    if policy not in POLICIES:
        return -EINVAL
    is_realtime = policy in REALTIME
    if is_realtime != (1 <= priority <= 99) or (not is_realtime and priority != 0):
        return -EINVAL
    if not task.creds.has(CAP_SYS_NICE):
        limit = other.process.rlimit(RLIMIT_RTPRIO)
        if is_realtime and ((policy != other.policy and not limit) or (priority > other.rt_priority and priority > limit)):
            return -EPERM
        if not is_realtime and nice < other.nice and 20 - nice > other.process.rlimit(RLIMIT_NICE):
            return -EPERM
        if other.policy == SCHED_IDLE and policy != SCHED_IDLE and 20 - other.nice > other.process.rlimit(RLIMIT_NICE):
            return -EPERM
        if not _is_owner(task, other) or other.resets_on_fork and not resets_on_fork:
            return -EPERM
    other.policy, other.rt_priority, other.resets_on_fork = policy, priority, resets_on_fork
    if not is_realtime:
        other.nice = nice
    task.kernel.sched.reconsider(other)
    return 0


def sys_sched_setscheduler(task: Task, pid: Pid, policy: CInt, param: UserAddr) -> int:
    """Errors: EINVAL, ESRCH, EPERM, EFAULT."""
    if policy < 0 or param == 0 or pid < 0:
        return -EINVAL
    priority = task.user.read_s32(param)
    other = _target(task, pid)
    return _set(task, other, policy, priority, other.nice)


def sys_sched_getscheduler(task: Task, pid: Pid) -> int:
    """Errors: EINVAL, ESRCH."""
    other = _target(task, pid)
    return other.policy | (SCHED_RESET_ON_FORK if other.resets_on_fork else 0)


def sys_sched_setparam(task: Task, pid: Pid, param: UserAddr) -> int:
    """Errors: EINVAL, ESRCH, EPERM, EFAULT."""
    if param == 0 or pid < 0:
        return -EINVAL
    priority = task.user.read_s32(param)
    other = _target(task, pid)
    return _set(task, other, other.policy | (SCHED_RESET_ON_FORK if other.resets_on_fork else 0), priority, other.nice)


def sys_sched_getparam(task: Task, pid: Pid, param: UserAddr) -> int:
    """Errors: EINVAL, ESRCH, EFAULT."""
    if param == 0:
        return -EINVAL
    task.user.write_u32(param, _target(task, pid).rt_priority)
    return 0


def sys_sched_get_priority_max(task: Task, policy: CInt) -> int:
    """Errors: EINVAL."""
    return 99 if policy in REALTIME else 0 if policy in POLICIES or policy == 6 else -EINVAL


def sys_sched_get_priority_min(task: Task, policy: CInt) -> int:
    """Errors: EINVAL."""
    return 1 if policy in REALTIME else 0 if policy in POLICIES or policy == 6 else -EINVAL


def sys_sched_rr_get_interval(task: Task, pid: Pid, interval: UserAddr) -> int:
    """Errors: EINVAL, ESRCH, EFAULT."""
    other = _target(task, pid)
    task.user.write(interval, timespec_bytes(0 if other.policy == SCHED_FIFO else SLICE_NS))
    return 0


def sys_sched_getattr(task: Task, pid: Pid, uattr: UserAddr, usize: CUInt, flags: CUInt) -> int:
    """Errors: EINVAL (sizes, flags), ESRCH, EFAULT."""
    if uattr == 0 or flags or not 48 <= usize <= 4096:
        return -EINVAL
    other = _target(task, pid)
    flags = CUInt(FLAG_RESET_ON_FORK if other.resets_on_fork else 0)
    task.user.write(uattr, SCHED_ATTR.pack(48, other.policy, flags, other.nice, other.rt_priority, 0, 0, 0))
    return 0


def sys_sched_setattr(task: Task, pid: Pid, uattr: UserAddr, flags: CUInt) -> int:
    """Errors: EINVAL, E2BIG (unknown fields), ESRCH, EPERM, EFAULT, EOPNOTSUPP (utilisation clamps)."""
    if uattr == 0 or flags or pid < 0:
        return -EINVAL
    size = task.user.read_u32(uattr)
    if size == 0:
        size = 48
    if not 48 <= size <= 4096:
        task.user.write_u32(uattr, 56)
        return -E2BIG
    _, policy, attr_flags, nice, priority, _, _, _ = SCHED_ATTR.unpack(bytes(4) + task.user.read(uattr + 4, 44))
    if size > 56 and any(task.user.read(uattr + 56, size - 56)):
        task.user.write_u32(uattr, 56)
        return -E2BIG
    if attr_flags & ~ALL_FLAGS or policy & 0x8000_0000:
        return -EINVAL
    if attr_flags & UTIL_CLAMP_FLAGS:
        return -EOPNOTSUPP
    other = _target(task, pid)
    if attr_flags & FLAG_KEEP_POLICY:
        policy = other.policy
    if attr_flags & FLAG_KEEP_PARAMS:
        priority, nice = other.rt_priority, other.nice
    if policy not in POLICIES:
        return -EINVAL
    if attr_flags & FLAG_RESET_ON_FORK:
        policy |= SCHED_RESET_ON_FORK
    return _set(task, other, policy, priority, min(max(nice, -20), 19))
