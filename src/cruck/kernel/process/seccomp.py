# SPDX-License-Identifier: MPL-2.0
"""seccomp: what a task may call, by strict mode or by filters it has installed (seccomp(2), kernel/seccomp.c).

Filters form a chain that tasks share and only ever extend. Most filters look at nothing but the number of the call: what such a chain
says of a number is remembered, so that it is run once. Neighbours: bpf.py (programs), syscall_work.py (what a verdict does),
syscalls/seccomp.py (installing).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.seccomp import (
    AUDIT_ARCH_X86_64,
    SECCOMP_MODE_DISABLED,
    SECCOMP_MODE_FILTER,
    SECCOMP_RET_ACTION_FULL,
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO,
    SECCOMP_RET_KILL_PROCESS,
    SECCOMP_RET_KILL_THREAD,
    SECCOMP_RET_LOG,
    SECCOMP_RET_TRACE,
    SECCOMP_RET_TRAP,
    SECCOMP_RET_USER_NOTIF,
)
from cruck.kernel.process import bpf
from cruck.kernel.process.tracee import WORK_SECCOMP

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.seccomp_notify import Listener
    from cruck.kernel.process.task import Task

ACTIONS: Final = (
    SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF,
    SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW,
)  # fmt: skip
MAX_PATH_INSTRUCTIONS: Final = 32768  # of a whole chain, with 4 more for each filter
NUMBER_AND_ARCH: Final = 3  # the words a verdict may depend on to be remembered
STRICT_CALLS: Final = (0, 1, 15, 60)  # read, write, rt_sigreturn, exit
MAX_REMEMBERED: Final = 1024


class Filter:
    program: list[bpf.Instruction]
    older: "Filter | None"
    nr_filters: int  # in the chain from here
    nr_instructions: int  # … with 4 more for each
    listener: "Listener | None"  # who is asked if this filter says so
    verdicts: dict[int, int]  # of the whole chain for calls of x86-64, by number, where nothing else counts

    def __init__(self, program: list[bpf.Instruction], older: "Filter | None") -> None:
        self.program = program
        self.older = older
        self.nr_filters = 1 if older is None else older.nr_filters + 1
        self.nr_instructions = len(program) + 4 + (0 if older is None else older.nr_instructions)
        self.listener = None
        self.verdicts = {}

    def verdict(self, nr: int, arch: int, ip: int, args: tuple[int, int, int, int, int, int]) -> int:
        """What the chain returns: the most severe action, the newest filter's data."""
        key = nr & bpf.U32 if arch == AUDIT_ARCH_X86_64 else -1
        known = self.verdicts.get(key, -1)
        if known >= 0:
            return known
        data = _words(nr, arch, ip, args)
        result = SECCOMP_RET_ALLOW
        seen = 0
        item: Filter | None = self
        while item is not None:
            value, looked_at = bpf.run(item.program, data)
            seen |= looked_at
            if severity(value) < severity(result):
                result = value
            item = item.older
        if key >= 0 and not seen & ~NUMBER_AND_ARCH and len(self.verdicts) < MAX_REMEMBERED:
            self.verdicts[key] = result
        return result

    def decider(self, nr: int, arch: int, ip: int, args: tuple[int, int, int, int, int, int]) -> "Filter | None":
        """Whose verdict() it is: the newest of the most severe."""
        data = _words(nr, arch, ip, args)
        result = SECCOMP_RET_ALLOW
        decider: Filter | None = None
        item: Filter | None = self
        while item is not None:
            value, _ = bpf.run(item.program, data)
            if severity(value) < severity(result):
                result, decider = value, item
            item = item.older
        return decider

    def has_listener(self) -> bool:
        """It, or one further down the chain."""
        item: Filter | None = self
        while item is not None:
            if item.listener is not None:
                return True
            item = item.older
        return False

    def is_ancestor_of(self, other: "Filter | None") -> bool:
        while other is not None:
            if other is self:
                return True
            other = other.older
        return False


def _words(nr: int, arch: int, ip: int, args: tuple[int, int, int, int, int, int]) -> tuple[int, ...]:
    """struct seccomp_data as programs load it."""
    words = [nr & bpf.U32, arch, ip & bpf.U32, ip >> 32]
    for arg in args:
        words.append(arg & bpf.U32)
        words.append(arg >> 32)
    return tuple(words)


def is_used(kernel: "Kernel", chain: Filter) -> bool:
    """Does any task live under this filter?"""
    return any(chain.is_ancestor_of(task.seccomp_filter) for task in kernel.tasks.values())


def tell_listeners(chain: Filter) -> None:
    """A task has died that lived under this chain: it may have been the last."""
    item: Filter | None = chain
    while item is not None:
        if item.listener is not None:
            item.listener.queue.wake()
        item = item.older


def severity(value: int) -> int:
    """Smaller is more severe: actions are compared as signed numbers."""
    action = value & SECCOMP_RET_ACTION_FULL
    return action - (1 << 32) if action & 0x8000_0000 else action


def set_mode(task: "Task", mode: int, chain: Filter | None) -> None:
    """From the task's next call on."""
    task.seccomp_mode = mode
    task.seccomp_filter = chain
    if mode:
        task.work |= WORK_SECCOMP


def find_unsynchronizable(task: "Task") -> int:
    """The id of a thread that cannot take over the caller's filters (its own are not among them), 0 if all can."""
    for other in task.process.threads.values():
        if other is task or other.seccomp_mode == SECCOMP_MODE_DISABLED:
            continue
        chain = other.seccomp_filter
        if chain is None or not chain.is_ancestor_of(task.seccomp_filter):
            return other.tid
    return 0


def synchronize(task: "Task", chain: Filter) -> None:
    """All threads take over the filters, and the caller's no_new_privs."""
    for other in task.process.threads.values():
        if other is not task:
            set_mode(other, SECCOMP_MODE_FILTER, chain)
            if task.creds.no_new_privs and not other.creds.no_new_privs:
                other.creds = other.creds.copy()
                other.creds.no_new_privs = True
