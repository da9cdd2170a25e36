# SPDX-License-Identifier: MPL-2.0
"""PID namespaces: numbers as a group of processes sees them (pid_namespaces(7), kernel/pid_namespace.c).

The kernel knows every task by one number, which is also what the initial namespace shows. A further namespace has numbers of its own for
its tasks and for those of the namespaces below it, and none for others. Process groups and sessions are known by their leader's number,
which stays taken as long as they exist. Edge code goes through Task.number_of() and Task.find_*().
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.sched import CLONE_NEWPID
from cruck.kernel.process.user_namespace import Namespace, UserNamespace

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process

PID_MAX: Final = 32768
MAX_LEVEL: Final = 32


class PidNamespace(Namespace):
    parent: "PidNamespace | None"  # None: the initial one
    level: int  # 0: the initial one, which translates nothing
    numbers: dict[int, int]  # the kernel's number → the one here
    tids: dict[int, int]  # the other way
    next_number: int
    reaper: "Process | None"  # number 1, which adopts orphans; None: not yet born, or (has_ended) gone
    has_ended: bool  # its reaper has ended: nobody is born any more

    def __init__(self, ino: int, owner: "UserNamespace | None", parent: "PidNamespace | None") -> None:
        super().__init__(CLONE_NEWPID, ino, owner)
        self.parent = parent
        self.level = 0 if parent is None else parent.level + 1
        self.numbers = {}
        self.tids = {}
        self.next_number = 1
        self.reaper = None
        self.has_ended = False

    def parent_ns(self) -> Namespace | None:
        return self.parent

    def is_below(self, other: "PidNamespace") -> bool:
        """Is it `other`, or a descendant?"""
        ns: PidNamespace | None = self
        while ns is not None:
            if ns is other:
                return True
            ns = ns.parent
        return False

    def add(self, tid: int) -> None:
        """Gives the new task a number here and in every namespace above."""
        ns: PidNamespace | None = self
        while ns is not None and ns.level:
            number = ns.next_number
            while number in ns.tids:
                number = number + 1 if number + 1 < PID_MAX else 300
            ns.next_number = number + 1 if number + 1 < PID_MAX else 300
            ns.numbers[tid] = number
            ns.tids[number] = tid
            ns = ns.parent

    def remove(self, tid: int) -> None:
        ns: PidNamespace | None = self
        while ns is not None and ns.level:
            number = ns.numbers.pop(tid, 0)
            if number:
                ns.tids.pop(number, None)
            ns = ns.parent

    def set_last(self, kernel: "Kernel", number: int) -> None:
        """The next task's number is to be the one after `number`, if it is free. number + 1 < PID_MAX, or it wraps."""
        following = number + 1 if number + 1 < PID_MAX else 300
        if self.level:
            self.next_number = following
        else:
            kernel.next_pid = following

    def number(self, tid: int) -> int:
        """0: not visible from here."""
        return tid if self.level == 0 else self.numbers.get(tid, 0)

    def find(self, number: int) -> int:
        """The kernel's number; −1: nobody."""
        return number if self.level == 0 else self.tids.get(number, -1)
