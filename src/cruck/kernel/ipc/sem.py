# SPDX-License-Identifier: MPL-2.0
"""System V semaphores (semop(2), Linux ipc/sem.c): sets of counters changed by all-or-nothing lists of operations.

`SemSet.perform` does a list or says which operation is in the way; the caller then waits on `queue`, which is woken whenever
a counter changes. `SemUndo` is what a process (its tasks share it with CLONE_SYSVSEM) gives back at its end.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EINVAL, ENOSPC, ERANGE
from cruck.abi.ipc import IPC_NOWAIT, SEM_UNDO, SEMAEM, SEMMNI, SEMMNS, SEMMSL, SEMOPM, SEMVMX
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.sysv import IpcObject, IpcTable
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.task import Task

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

DONE: Final = -1


class SemOp:
    number: int
    change: int
    flags: int

    def __init__(self, number: int, change: int, flags: int) -> None:
        self.number = number
        self.change = change
        self.flags = flags


class SemWait:
    """Why a task stands in a set's queue (WaitRecord.extra)."""

    def __init__(self, semset: "SemSet", number: int, is_for_zero: bool) -> None:
        self.semset = semset
        self.number = number
        self.is_for_zero = is_for_zero


class SemUndo:
    """By set: what is to be added to each counter when the last task that shares this ends."""

    refs: int
    changes: "dict[SemSet, list[int]]"

    def __init__(self) -> None:
        self.refs = 1
        self.changes = {}

    def of(self, semset: "SemSet") -> list[int]:
        found = self.changes.get(semset)
        if found is None:
            found = self.changes[semset] = [0] * len(semset.values)
            semset.undos[self] = None
        return found

    def drop(self, pid: int, now_s: int) -> None:
        """A task leaves; the last one's end is when the changes are made."""
        self.refs -= 1
        if self.refs:
            return
        for semset, adjustments in list(self.changes.items()):
            semset.undos.pop(self, None)
            for number, change in enumerate(adjustments):
                if change:
                    semset.values[number] = min(max(semset.values[number] + change, 0), SEMVMX)
                    semset.pids[number] = pid
            semset.operated_s = now_s
            semset.queue.wake()
        self.changes.clear()


class SemSet(IpcObject):
    values: list[int]
    pids: list[int]  # of the last operation, by counter
    operated_s: int  # sem_otime
    queue: WaitQueue
    undos: dict[SemUndo, None]

    def __init__(self, key: int, nr: int, mode: int, creds: Credentials, now_s: int) -> None:
        super().__init__(key, mode, creds, now_s)
        self.values = [0] * nr
        self.pids = [0] * nr
        self.operated_s = 0
        self.queue = WaitQueue()
        self.undos = {}

    def perform(self, operations: list[SemOp], undo: SemUndo | None, pid: int, now_s: int) -> int:
        """DONE, or the index of the operation that has to wait; then nothing has changed.

        Args: undo: not None if an operation asks for SEM_UNDO. Errors: LinuxError(ERANGE)."""
        values = self.values
        new: dict[int, int] = {}
        adjusted: dict[int, int] = {}
        for index, operation in enumerate(operations):
            number, change = operation.number, operation.change
            value = new.get(number, values[number])
            if change == 0 and value != 0:
                return index
            value += change
            if value < 0:
                return index
            if value > SEMVMX:
                raise LinuxError(ERANGE)
            new[number] = value
            if operation.flags & SEM_UNDO and undo is not None:
                adjustment = adjusted.get(number, undo.of(self)[number]) - change
                if not -SEMAEM - 1 <= adjustment <= SEMAEM:
                    raise LinuxError(ERANGE)
                adjusted[number] = adjustment
        is_changed = False
        for number, value in new.items():
            is_changed = is_changed or values[number] != value
            values[number] = value
            self.pids[number] = pid
        if undo is not None:
            for number, adjustment in adjusted.items():
                undo.of(self)[number] = adjustment
        self.operated_s = now_s
        if is_changed:
            self.queue.wake()
        return DONE

    def set_values(self, first: int, values: list[int], pid: int, now_s: int) -> None:
        """SETVAL, SETALL: what was to be undone of these counters is forgotten."""
        for offset, value in enumerate(values):
            self.values[first + offset] = value
            self.pids[first + offset] = pid
            for undo in self.undos:
                undo.of(self)[first + offset] = 0
        self.changed_s = now_s
        self.queue.wake()

    def nr_waiting(self, number: int, is_for_zero: bool) -> int:
        """GETNCNT, GETZCNT."""
        count = 0
        for waiter in self.queue.waiters:
            if isinstance(waiter, Task) and waiter.wait is not None:
                reason = waiter.wait.extra
                if isinstance(reason, SemWait) and reason.number == number and reason.is_for_zero == is_for_zero:
                    count += 1
        return count

    def forget(self) -> None:
        """IPC_RMID."""
        for undo in self.undos:
            undo.changes.pop(self, None)
        self.undos.clear()
        self.queue.wake()


class SemTable(IpcTable):
    kernel: "Kernel"
    nr_semaphores: int
    max_per_set: int  # the four numbers of kernel.sem
    max_semaphores: int
    max_operations: int
    max_sets: int

    def __init__(self, kernel: "Kernel") -> None:
        super().__init__()
        self.kernel = kernel
        self.nr_semaphores = 0
        self.max_per_set, self.max_semaphores, self.max_operations, self.max_sets = SEMMSL, SEMMNS, SEMOPM, SEMMNI

    def get(self, key: int, nr: int, flags: int, creds: Credentials) -> int:
        """semget: the identifier. Errors: LinuxError(EINVAL, EEXIST, ENOENT, EACCES, ENOSPC)."""
        if nr < 0 or nr > self.max_per_set:
            raise LinuxError(EINVAL)
        found = self.by_key(key, flags)
        if isinstance(found, SemSet):
            if nr > len(found.values):
                raise LinuxError(EINVAL)
            found.check(creds, flags & 0o777)
            return found.id
        if nr == 0:
            raise LinuxError(EINVAL)
        if self.nr_semaphores + nr > self.max_semaphores:
            raise LinuxError(ENOSPC)
        identifier = self.add(SemSet(key, nr, flags, creds, self.now_s()), self.max_sets)
        self.nr_semaphores += nr
        return identifier

    def find_set(self, identifier: int) -> SemSet:
        """Errors: LinuxError(EINVAL)."""
        found = self.find(identifier)
        assert isinstance(found, SemSet)
        return found

    def destroy(self, semset: SemSet) -> None:
        self.remove(semset)
        self.nr_semaphores -= len(semset.values)
        semset.forget()

    def now_s(self) -> int:
        return self.kernel.clock.realtime_ns() // 1_000_000_000


def check_operations(semset: SemSet, operations: list[SemOp], creds: Credentials) -> int:
    """The errno that refuses a list on this set, or 0."""
    from cruck.abi.errno import EFBIG

    for operation in operations:
        if operation.number >= len(semset.values):
            return EFBIG
    wanted = 0o444
    for operation in operations:
        if operation.change:
            wanted = 0o222
    try:
        semset.check(creds, wanted)
    except LinuxError:
        return EACCES
    return 0


def may_not_wait(operation: SemOp) -> bool:
    return bool(operation.flags & IPC_NOWAIT)
