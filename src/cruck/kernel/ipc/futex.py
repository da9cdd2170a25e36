# SPDX-License-Identifier: MPL-2.0
"""Futexes (futex(2), Linux kernel/futex/): tasks that wait for a word of guest memory to change.

`FutexTable` hangs off the Kernel (`kernel.futexes`): a wait queue for each key that has waiters. A key is a plain tuple:
(mm, address) for private futexes, what `mm.futex_key()` says for shared ones. A waiter's event mask is its bitset. Waking a task
sets its record's `token`; a task that leaves for another reason (signal, deadline, death) disappears from the queue
by `Task.leave_queues`.

Priority-inheritance futexes hand the word over to the first waiter (pi_futex.py). Not here: operations as the guest encodes them
(syscalls/futex.py).
"""

from typing import TYPE_CHECKING, Final

from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.ipc.pi_futex import PiQueue, exit_pi_futexes
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.process.task import BLOCKED, Task

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.memory.mm import Mm

FUTEX_BITSET_MATCH_ANY: Final = 0xFFFF_FFFF
FUTEX_WAITERS: Final = 0x8000_0000
FUTEX_OWNER_DIED: Final = 0x4000_0000
FUTEX_TID_MASK: Final = 0x3FFF_FFFF
ROBUST_LIST_LIMIT: Final = 2048

Key = tuple[object, ...]


class FutexQueue(WaitQueue):
    """The waiters of one key; leaves the table with its last waiter."""

    table: "FutexTable"
    key: Key

    def __init__(self, table: "FutexTable", key: Key) -> None:
        super().__init__()
        self.table = table
        self.key = key

    def remove(self, waiter: Waiter) -> None:
        self.waiters.pop(waiter, None)
        if not self.waiters and self.table.queues.get(self.key) is self:
            del self.table.queues[self.key]


class FutexTable:
    queues: dict[Key, FutexQueue]  # each has a waiter, or is about to get one
    pi_queues: dict[Key, PiQueue]

    def __init__(self) -> None:
        self.queues = {}
        self.pi_queues = {}

    def key(self, mm: "Mm", addr: int, is_shared: bool) -> Key:
        """Errors: UserFault (a shared futex in memory that is not there)."""
        return mm.futex_key(addr) if is_shared else (mm, addr)

    def queue(self, key: Key) -> FutexQueue:
        """The key's queue, for somebody who is about to wait on it."""
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = FutexQueue(self, key)
        return queue

    def drop_if_empty(self, key: Key) -> None:
        """After queue(), by somebody who does not wait after all."""
        queue = self.queues.get(key)
        if queue is not None and not queue.waiters:
            del self.queues[key]

    def wake(self, key: Key, count: int, bitset: int = FUTEX_BITSET_MATCH_ANY) -> int:
        """Wakes at most `count` waiters with a bit of `bitset`, first come first served; how many."""
        queue = self.queues.get(key)
        if queue is None:
            return 0
        tasks = _first(queue, count, bitset)
        for task in tasks:
            _tell(task, queue)
        return len(tasks)

    def requeue(self, key: Key, other: Key, nr_wake: int, nr_requeue: int) -> int:
        """Wakes `nr_wake` waiters of `key` and moves `nr_requeue` more to `other`; how many both together."""
        nr_done = self.wake(key, nr_wake)
        queue = self.queues.get(key)
        if queue is None or nr_requeue <= 0:
            return nr_done
        tasks = _first(queue, nr_requeue, FUTEX_BITSET_MATCH_ANY)
        if key == other:
            return nr_done + len(tasks)
        target = self.queue(other)
        for task in tasks:
            record = task.wait
            assert record is not None
            target.add(task, queue.waiters[task])
            record.queues[record.queues.index(queue)] = target
            queue.remove(task)
        self.drop_if_empty(other)
        return nr_done + len(tasks)

    # The end of a task.
    def wake_at(self, kernel: "Kernel", mm: "Mm", addr: int, count: int) -> int:
        """As FUTEX_WAKE without FUTEX_PRIVATE_FLAG: for clear_child_tid. An address that is not there wakes nobody."""
        if addr & 3:
            return 0
        try:
            return self.wake(mm.futex_key(addr), count)
        except UserFault:
            return 0

    def exit_robust_list(self, task: Task) -> None:
        """Marks the robust mutexes that `task` holds as abandoned and wakes a waiter of each (get_robust_list(2)); hands its
        priority-inheritance futexes on. To be called while its memory is still there."""
        exit_pi_futexes(self.pi_queues, task)
        head = task.robust_list
        task.robust_list = 0
        if head:
            try:
                self._walk_robust_list(task, head)
            except UserFault:
                pass  # the list is the guest's; Linux too stops at the first bad pointer

    def _walk_robust_list(self, task: Task, head: int) -> None:
        user = task.user
        entry = user.read_u64(head)
        offset = user.read_s64(head + 8)
        pending = user.read_u64(head + 16)
        pending_addr = pending & ~1
        limit = ROBUST_LIST_LIMIT
        while entry & ~1 != head and limit > 0:
            addr = entry & ~1
            is_pi = entry & 1 != 0
            # The next one first: the mutex may be freed as soon as it is marked.
            following = user.read_u64(addr)
            if addr != pending_addr:
                self._abandon(task, addr + offset, is_pi, False)
            entry = following
            limit -= 1
        if pending_addr:
            self._abandon(task, pending_addr + offset, pending & 1 != 0, True)

    def _abandon(self, task: Task, addr: int, is_pi: bool, is_pending: bool) -> None:
        """Source: kernel/futex/core.c handle_futex_death. Errors: UserFault."""
        if addr & 3 or addr < 0:
            raise UserFault
        user = task.user
        value = user.load_u32(addr)
        while True:
            if is_pending and not is_pi and value == 0:
                # It died between unlocking and waking: the wake is ours to do.
                self.wake_at(task.kernel, task.mm, addr, 1)
                return
            if value & FUTEX_TID_MASK != task.own_number():
                return
            found = user.cas_u32(addr, value, value & FUTEX_WAITERS | FUTEX_OWNER_DIED)
            if found == value:
                break
            value = found
        if not is_pi and value & FUTEX_WAITERS:
            self.wake_at(task.kernel, task.mm, addr, 1)


def _first(queue: FutexQueue, count: int, bitset: int) -> list[Task]:
    tasks: list[Task] = []
    for waiter, wanted in queue.waiters.items():
        if len(tasks) >= count:
            break
        if wanted & bitset and isinstance(waiter, Task):
            tasks.append(waiter)
    return tasks


def _tell(task: Task, queue: WaitQueue) -> None:
    record = task.wait
    assert record is not None and task.state == BLOCKED, "who stands in a queue is blocked"
    record.token = 1
    record.progress = record.queues.index(queue)  # futex_waitv: which one it was
    task.wake()
