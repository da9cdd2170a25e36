# SPDX-License-Identifier: MPL-2.0
"""ioprio_set(2), ioprio_get(2): kept and inherited, as for disks without an I/O scheduler (block/ioprio.c)."""

from typing import Final

from cruck.abi.errno import EINVAL, EPERM, ESRCH
from cruck.abi.resource import PRIO_PGRP, PRIO_PROCESS, PRIO_USER
from cruck.kernel.process.credentials import CAP_SYS_ADMIN, CAP_SYS_NICE
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.system import collect_tasks
from cruck.kernel.syscalls.types import CInt

WHICH: Final = (0, PRIO_PROCESS, PRIO_PGRP, PRIO_USER)  # IOPRIO_WHO_* are one more than PRIO_*
CLASS_SHIFT: Final = 13
CLASS_NONE: Final = 0
CLASS_RT: Final = 1
CLASS_BE: Final = 2
CLASS_IDLE: Final = 3
NR_LEVELS: Final = 8


def sys_ioprio_set(task: Task, which: CInt, who: CInt, ioprio: CInt) -> int:
    """Errors: EINVAL (class, level, which), EPERM (real-time without privilege; another user's), ESRCH."""
    kind, level = ioprio >> CLASS_SHIFT & 7, ioprio & 7
    creds = task.creds
    if kind == CLASS_RT and not creds.has(CAP_SYS_ADMIN) and not creds.has(CAP_SYS_NICE):
        return -EPERM
    if kind > CLASS_IDLE or (kind == CLASS_NONE and level) or not 1 <= which <= 3:
        return -EINVAL
    found = collect_tasks(task, WHICH[which], who)
    for other in found:
        if other.creds.uid not in (creds.euid, creds.uid) and not creds.has(CAP_SYS_NICE):
            return -EPERM
    for other in found:
        other.ioprio = ioprio & 0xFFFF
    return 0 if found else -ESRCH


def sys_ioprio_get(task: Task, which: CInt, who: CInt) -> int:
    """The best of all that match. Errors: EINVAL, ESRCH."""
    if not 1 <= which <= 3:
        return -EINVAL
    best = -1
    for other in collect_tasks(task, WHICH[which], who):
        if best < 0 or _rank(other.ioprio) < _rank(best):
            best = other.ioprio
    return best if best >= 0 else -ESRCH


def _rank(ioprio: int) -> int:
    """Smaller is better; none counts as the middle of best-effort."""
    kind = ioprio >> CLASS_SHIFT
    return ioprio if kind else CLASS_BE << CLASS_SHIFT | NR_LEVELS // 2
