# SPDX-License-Identifier: MPL-2.0
"""Priority-inheritance futexes (FUTEX_LOCK_PI and so on; futex(2), "Priority-inheritance futexes").

The word is 0 (free) or the owner's thread id, with FUTEX_WAITERS when somebody waits in the kernel; unlocking hands the word to the waiter of
the highest priority, among equals the first. The owner inherits its waiters' real-time priority, and passes it on to the owner of what it waits
for itself (`update_inheritance`); a wait that would close such a chain to a circle is EDEADLK.

Requeueing to such a futex (FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI): a waiter of a condition is moved to the mutex it will need, or given it.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, EDEADLK, EPERM, ESRCH
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue
from cruck.kernel.process.task import Task
from cruck.kernel.sched.fair import rank_of

if TYPE_CHECKING:
    from cruck.framework.mm.user_memory import UserMemory

FUTEX_WAITERS: Final = 0x8000_0000
FUTEX_OWNER_DIED: Final = 0x4000_0000
FUTEX_TID_MASK: Final = 0x3FFF_FFFF

MUST_WAIT: Final = 1


class PiQueue(WaitQueue):
    """The waiters of one word, in order; leaves the table with its last waiter."""

    queues: "dict[tuple[object, ...], PiQueue]"  # the table's
    key: tuple[object, ...]
    owner: Task | None  # the holder, when it is a task of ours
    addr: int  # of the word, in its first waiter's memory
    user: "UserMemory"

    def __init__(self, queues: "dict[tuple[object, ...], PiQueue]", key: tuple[object, ...], addr: int, user: "UserMemory") -> None:
        super().__init__()
        self.queues = queues
        self.key = key
        self.owner = None
        self.addr = addr
        self.user = user

    def remove(self, waiter: Waiter) -> None:
        self.waiters.pop(waiter, None)
        if not self.waiters and self.queues.get(self.key) is self:
            del self.queues[self.key]
        if self.owner is not None and self.owner.inherited_priority:
            update_inheritance(self.queues, self.owner)

    def add(self, waiter: Waiter, events: int = ALL_EVENTS) -> None:
        super().add(waiter, events)
        if self.owner is not None:
            update_inheritance(self.queues, self.owner)

    def next_task(self) -> Task | None:
        """The waiter of the highest priority, among equals the first."""
        best: Task | None = None
        for waiter in self.waiters:
            if isinstance(waiter, Task) and (best is None or rank_of(waiter) < rank_of(best)):
                best = waiter
        return best

    def top_priority(self) -> int:
        best = self.next_task()
        return -rank_of(best) if best is not None else 0


class RequeueWait:
    """What a FUTEX_WAIT_REQUEUE_PI waits to be moved to (WaitRecord.extra)."""

    key: tuple[object, ...]
    addr: int
    is_moved: bool  # it stands in the PI queue now

    def __init__(self, key: tuple[object, ...], addr: int) -> None:
        self.key = key
        self.addr = addr
        self.is_moved = False


def waits_for(task: Task) -> PiQueue | None:
    """The PI futex a blocked task waits for."""
    record = task.wait
    if record is not None:
        for queue in record.queues:
            if isinstance(queue, PiQueue):
                return queue
    return None


def update_inheritance(queues: dict[tuple[object, ...], PiQueue], task: Task) -> None:
    """What `task` inherits, and then whoever it waits for. A chain is at most as long as there are futexes."""
    current: Task | None = task
    for _ in range(len(queues) + 1):
        if current is None:
            return
        priority = 0
        for queue in queues.values():
            if queue.owner is current:
                priority = max(priority, queue.top_priority())
        if priority == current.inherited_priority:
            return
        current.inherited_priority = priority
        current.kernel.sched.reconsider(current)
        awaited = waits_for(current)
        current = awaited.owner if awaited is not None else None


def _would_deadlock(queues: dict[tuple[object, ...], PiQueue], task: Task, owner: Task) -> bool:
    """Does the owner wait, directly or through others, for something `task` holds?"""
    current = owner
    for _ in range(len(queues) + 1):
        awaited = waits_for(current)
        if awaited is None or awaited.owner is None:
            return False
        if awaited.owner is task:
            return True
        current = awaited.owner
    return False


def try_lock(queues: dict[tuple[object, ...], PiQueue], task: Task, key: tuple[object, ...], addr: int) -> int:
    """0: the word is ours; MUST_WAIT: FUTEX_WAITERS is set, wait; −EDEADLK: it is ours already; −ESRCH: its owner does not exist.
    Errors: UserFault."""
    user = task.user
    while True:
        value = user.load_u32(addr)
        tid = value & FUTEX_TID_MASK
        if tid == task.own_number():
            return -EDEADLK
        if tid == 0:
            new = task.own_number() | value & FUTEX_OWNER_DIED
            queue = queues.get(key)
            if queue is not None:
                new |= FUTEX_WAITERS
            if user.cas_u32(addr, value, new) == value:
                if queue is not None:
                    queue.owner = task
                    update_inheritance(queues, task)
                return 0
            continue
        if task.find_task(tid) is None:
            return -ESRCH
        if value & FUTEX_WAITERS or user.cas_u32(addr, value, value | FUTEX_WAITERS) == value:
            return MUST_WAIT


def queue_for(queues: dict[tuple[object, ...], PiQueue], task: Task, key: tuple[object, ...], addr: int) -> PiQueue:
    """After MUST_WAIT: where to wait. Errors: LinuxError(EDEADLK): the owner waits, directly or through others, for us."""
    queue = queues.get(key)
    owner = queue.owner if queue is not None else task.find_task(task.user.load_u32(addr) & FUTEX_TID_MASK)
    if owner is not None and _would_deadlock(queues, task, owner):
        raise LinuxError(EDEADLK)
    if queue is None:
        queue = queues[key] = PiQueue(queues, key, addr, task.user)
        queue.owner = owner
    return queue


def unlock(queues: dict[tuple[object, ...], PiQueue], task: Task, key: tuple[object, ...], addr: int) -> int:
    """0; −EPERM: the word is not ours; −EAGAIN: it changed under our hands. Errors: UserFault."""
    user = task.user
    value = user.load_u32(addr)
    if value & FUTEX_TID_MASK != task.own_number():
        return -EPERM
    queue = queues.get(key)
    if queue is None:
        return 0 if user.cas_u32(addr, value, 0) == value else -EAGAIN
    return 0 if _hand_over(queue, value, 0) else -EAGAIN


def _hand_over(queue: PiQueue, value: int, extra_bits: int) -> bool:
    addr = queue.addr
    heir = queue.next_task()
    assert heir is not None and heir.wait is not None, "a queue in the table has waiters"
    new = heir.own_number() | extra_bits
    if len(queue.waiters) > 1:
        new |= FUTEX_WAITERS
    if queue.user.cas_u32(addr, value, new) != value:
        return False
    heir.wait.token = 1
    previous = queue.owner
    queue.owner = heir
    queues = queue.queues
    heir.wake()
    if previous is not None:
        update_inheritance(queues, previous)
    update_inheritance(queues, heir)
    return True


def exit_pi_futexes(queues: dict[tuple[object, ...], PiQueue], task: Task) -> None:
    """What a dying task holds goes to the first waiter, marked FUTEX_OWNER_DIED."""
    for queue in list(queues.values()):
        if queue.owner is task:
            try:
                value = queue.user.load_u32(queue.addr)
                if value & FUTEX_TID_MASK == task.own_number():
                    _hand_over(queue, value, FUTEX_OWNER_DIED)
            except UserFault:
                continue  # the waiters' memory is gone, and with it the word


def requeue(queues: dict[tuple[object, ...], PiQueue], task: Task, waiters: list[Task], source: WaitQueue, key: tuple[object, ...],
            addr: int, nr_requeue: int) -> int:  # fmt: skip
    """FUTEX_CMP_REQUEUE_PI: the first of `waiters` (tasks in `source` that wait to be moved to `key`) gets the futex if it is free, at most
    `nr_requeue` others are moved to its queue. How many in all; −EAGAIN: it changed under our hands; −ESRCH: its owner does not exist;
    −EDEADLK: a waiter holds it. Errors: UserFault."""
    user = task.user
    nr_done = 0
    value = user.load_u32(addr)
    if value & FUTEX_TID_MASK == 0:
        heir = waiters[0]
        new = heir.own_number() | value & FUTEX_OWNER_DIED
        if len(waiters) > 1 and nr_requeue > 0:
            new |= FUTEX_WAITERS
        if user.cas_u32(addr, value, new) != value:
            return -EAGAIN
        assert heir.wait is not None
        heir.wait.token = 1
        heir.wake()
        waiters = waiters[1:]
        nr_done = 1
        owner: Task | None = heir
    else:
        owner = task.find_task(value & FUTEX_TID_MASK)
        if owner is None:
            return -ESRCH
        if waiters[0] is owner:
            return -EDEADLK
        if not value & FUTEX_WAITERS and user.cas_u32(addr, value, value | FUTEX_WAITERS) != value:
            return -EAGAIN
        nr_requeue += 1  # the one that would have been woken
    for waiter in waiters[:nr_requeue]:
        record = waiter.wait
        assert record is not None and isinstance(record.extra, RequeueWait)
        queue = queues.get(key)
        if queue is None:
            queue = queues[key] = PiQueue(queues, key, addr, user)
            queue.owner = owner
        record.queues[record.queues.index(source)] = queue
        source.remove(waiter)
        record.extra.is_moved = True
        queue.add(waiter)
        nr_done += 1
    return nr_done
