# SPDX-License-Identifier: MPL-2.0
"""membarrier(2) (Linux kernel/sched/membarrier.c): every thread that runs meanwhile passes a full barrier before the call returns.

A thread that is not on a virtual CPU has passed one when it stopped. Those that run are interrupted: the machine's stop is a barrier,
and its return from the signal handler serialises the core.
"""

from typing import Final

from cruck.abi.errno import EINVAL, EPERM
from cruck.abi.membarrier import (
    MEMBARRIER_CMD_GLOBAL,
    MEMBARRIER_CMD_GLOBAL_EXPEDITED,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
    MEMBARRIER_CMD_QUERY,
    MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
)
from cruck.kernel.process.task import RUNNING, Task
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.types import CInt

REGISTER: Final = (
    MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
)
PRIVATE: Final = (MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)
ALL: Final = 127
LOOK_NS: Final = 50_000  # how often it is seen whether they have stopped


class Others:
    """Who ran when the call came (WaitRecord.extra): thread id and when it was started."""

    def __init__(self, tids: list[tuple[int, int]]) -> None:
        self.tids = tids


def sys_membarrier(task: Task, cmd: CInt, flags: CInt, cpu_id: CInt) -> int:
    """Errors: EINVAL (command, flags: there are no restartable sequences), EPERM (a private command without registration)."""
    if flags:
        return -EINVAL
    if cmd == MEMBARRIER_CMD_QUERY:
        return ALL
    if cmd in REGISTER:
        task.mm.membarrier_commands |= cmd
        return 0
    if cmd in PRIVATE:
        if not task.mm.membarrier_commands & cmd << 1:
            return -EPERM
    elif cmd not in (MEMBARRIER_CMD_GLOBAL, MEMBARRIER_CMD_GLOBAL_EXPEDITED):
        return -EINVAL
    waited = task.wait.extra if task.wait is not None else None
    if isinstance(waited, Others):
        tids = waited.tids
    else:
        tids = []
        for other in task.kernel.sched.running.values():
            if other is task or cmd in PRIVATE and other.mm is not task.mm:
                continue
            if cmd != MEMBARRIER_CMD_GLOBAL_EXPEDITED or other.mm.membarrier_commands & MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
                tids.append((other.tid, other.run_start_ns))
                other.context.interrupt()
    left = [entry for entry in tids if _still_runs(task, entry)]
    if not left:
        return 0
    deadline_ns = task.kernel.clock.monotonic_ns() + LOOK_NS
    result = blocking.wait_on(task, None, deadline_ns=deadline_ns)
    if result == blocking.BLOCKED:
        blocking.record(task).extra = Others(left)
    return result


def _still_runs(task: Task, entry: tuple[int, int]) -> bool:
    other = task.kernel.tasks.get(entry[0])
    return other is not None and other.state == RUNNING and other.run_start_ns == entry[1]
