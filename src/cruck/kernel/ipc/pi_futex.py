# SPDX-License-Identifier: MPL-2.0
"""Priority-inheritance futexes (FUTEX_LOCK_PI and so on; futex(2), "Priority-inheritance futexes").

The word is 0 (free) or the owner's thread id, with FUTEX_WAITERS when somebody waits in the kernel; unlocking hands the word to the
first waiter. The virtual CPUs are shared fairly, so nothing needs to be inherited: only the hand-over is done here.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, EDEADLK, EPERM, ESRCH
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.process.task import Task

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

    def next_task(self) -> Task | None:
        for waiter in self.waiters:
            if isinstance(waiter, Task):
                return waiter
        return None


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
                return 0
            continue
        if task.find_task(tid) is None:
            return -ESRCH
        if value & FUTEX_WAITERS or user.cas_u32(addr, value, value | FUTEX_WAITERS) == value:
            return MUST_WAIT


def queue_for(queues: dict[tuple[object, ...], PiQueue], task: Task, key: tuple[object, ...], addr: int) -> PiQueue:
    """After MUST_WAIT: where to wait."""
    queue = queues.get(key)
    if queue is None:
        queue = queues[key] = PiQueue(queues, key, addr, task.user)
        queue.owner = task.find_task(task.user.load_u32(addr) & FUTEX_TID_MASK)
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
    queue.owner = heir
    heir.wake()
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
