# SPDX-License-Identifier: MPL-2.0
"""futex(2)."""

import struct

from cruck.abi.errno import (
    EAGAIN,
    EDEADLK,
    EFAULT,
    EINVAL,
    ENOSYS,
    EPERM,
    ERESTART_RESTARTBLOCK,
    ERESTARTSYS,
    ESRCH,
    ETIMEDOUT,
)
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.futex import sys_futex, sys_futex_waitv, sys_get_robust_list, sys_set_robust_list
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, NOWHERE, KitKernel, catch, is_woken, put, rerun, run

WORD = MEMORY + 0x100
OTHER = MEMORY + 0x200
TIME = MEMORY + 0x300
PRIVATE = 128
WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_BITSET, WAKE_BITSET = 0, 1, 3, 4, 5, 6, 7, 8, 9, 10
WAITERS, OWNER_DIED = 0x8000_0000, 0x4000_0000


class Rig:
    def __init__(self, nr_threads: int = 4) -> None:
        self.kernel = KitKernel()
        first = self.kernel.new_task(10)
        self.tasks = [first] + [self.kernel.new_task(11 + i, like=first) for i in range(nr_threads)]
        self.main = first

    def word(self, addr: int) -> int:
        return self.main.user.read_u32(addr)

    def set(self, addr: int, value: int) -> None:
        self.main.user.write_u32(addr, value)

    def futex(self, task: Task, addr: int, op: int, val: int = 0, time: int = 0, addr2: int = 0, val3: int = 0) -> int:
        return run(task, sys_futex, addr, op, val, time, addr2, val3)

    def is_empty(self) -> bool:
        return not self.kernel.futexes.queues and not self.kernel.futexes.pi_queues


def test_wait_and_wake_in_order() -> None:
    rig = Rig()
    a, b, c = rig.tasks[1:4]
    for task in (a, b, c):
        assert rig.futex(task, WORD, WAIT | PRIVATE, 0) == BLOCKED
    assert rig.futex(rig.main, WORD, WAKE | PRIVATE, 2) == 2
    assert (is_woken(a), is_woken(b), is_woken(c)) == (True, True, False)
    assert rerun(a) == 0
    assert rig.futex(rig.main, WORD, WAKE | PRIVATE, 100) == 1
    assert rig.is_empty()


def test_wait_refuses_a_changed_word_and_bad_addresses() -> None:
    rig = Rig()
    task = rig.main
    rig.set(WORD, 5)
    assert rig.futex(task, WORD, WAIT, 4) == -EAGAIN
    assert rig.futex(task, WORD + 2, WAIT, 5) == -EINVAL
    assert rig.futex(task, NOWHERE, WAIT, 5) == -EFAULT
    assert rig.futex(task, NOWHERE, WAKE, 5) == -EFAULT
    assert rig.futex(task, NOWHERE, WAKE | PRIVATE, 5) == 0
    assert rig.futex(task, WORD, WAIT_BITSET, 5, 0, 0, 0) == -EINVAL
    assert rig.futex(task, WORD, 77) == -ENOSYS
    assert rig.futex(task, WORD, WAKE | 256) == -ENOSYS
    assert rig.is_empty()


def test_wait_ends_at_its_time_or_by_a_signal() -> None:
    rig = Rig()
    task = rig.main
    put(task, struct.pack("<qq", 0, 500), 0x300)
    assert rig.futex(task, WORD, WAIT, 0, TIME) == BLOCKED
    rig.kernel.advance(500)
    assert rerun(task) == -ETIMEDOUT
    catch(task, 10)
    assert rig.futex(task, WORD, WAIT, 0, TIME) == BLOCKED
    rig.kernel.send_signal_task(task, 10)
    assert rerun(task) == -ERESTART_RESTARTBLOCK
    task.pending.discard(~0)
    assert rig.futex(task, WORD, WAIT, 0) == BLOCKED
    rig.kernel.send_signal_task(task, 10)
    assert rerun(task) == -ERESTARTSYS
    task.pending.discard(~0)
    # An absolute time on the real-time clock.
    put(task, struct.pack("<qq", 1_700_000_000, 5000), 0x300)
    assert rig.futex(task, WORD, WAIT_BITSET | 256, 0, TIME, 0, 1) == BLOCKED
    rig.kernel.advance(10**9)
    assert rerun(task) == -ETIMEDOUT
    put(task, struct.pack("<qq", 0, 10**9), 0x300)
    assert rig.futex(task, WORD, WAIT, 0, TIME) == -EINVAL
    assert rig.is_empty()


def test_a_woken_waiter_that_is_also_late_or_signalled_was_woken() -> None:
    rig = Rig()
    task = rig.main
    catch(task, 10)
    assert rig.futex(task, WORD, WAIT, 0) == BLOCKED
    assert rig.futex(rig.tasks[1], WORD, WAKE, 1) == 1
    rig.kernel.send_signal_task(task, 10)
    assert rerun(task) == 0


def test_bitsets_select_waiters() -> None:
    rig = Rig()
    a, b = rig.tasks[1:3]
    rig.futex(a, WORD, WAIT_BITSET, 0, 0, 0, 1)
    rig.futex(b, WORD, WAIT_BITSET, 0, 0, 0, 2)
    assert rig.futex(rig.main, WORD, WAKE_BITSET, 9, 0, 0, 2) == 1
    assert is_woken(b) and not is_woken(a)
    assert rig.futex(rig.main, WORD, WAKE_BITSET, 9, 0, 0, 0) == -EINVAL


def test_requeue_wakes_some_and_moves_some() -> None:
    rig = Rig()
    a, b, c, d = rig.tasks[1:5]
    for task in (a, b, c, d):
        rig.futex(task, WORD, WAIT, 0)
    assert rig.futex(rig.main, WORD, CMP_REQUEUE, 1, 2, OTHER, 99) == -EAGAIN
    assert rig.futex(rig.main, WORD, CMP_REQUEUE, 1, 2, OTHER, 0) == 3
    assert is_woken(a) and not is_woken(b)
    assert rig.futex(rig.main, OTHER, WAKE, 10) == 2
    assert rerun(b) == 0 and rerun(c) == 0
    assert rig.futex(rig.main, WORD, WAKE, 10) == 1
    assert rig.futex(rig.main, WORD, REQUEUE, 0x8000_0000, 0, OTHER) == -EINVAL
    assert rig.is_empty()


def test_wake_op_changes_compares_and_wakes_both() -> None:
    rig = Rig()
    a, b = rig.tasks[1:3]
    rig.futex(a, WORD, WAIT, 0)
    rig.futex(b, OTHER, WAIT, 0)
    # OTHER += 5; wake there too if it was 0.
    assert rig.futex(rig.main, WORD, WAKE_OP, 1, 1, OTHER, 1 << 28 | 0 << 24 | 5 << 12 | 0) == 2
    assert rig.word(OTHER) == 5
    # OTHER = 1 << 3; compare > 9 fails.
    assert rig.futex(rig.main, WORD, WAKE_OP, 1, 1, OTHER, 8 << 28 | 4 << 24 | 3 << 12 | 9) == 0
    assert rig.word(OTHER) == 8
    assert rig.futex(rig.main, WORD, WAKE_OP, 1, 1, OTHER, 5 << 28) == -ENOSYS
    assert rig.word(OTHER) == 8


def test_pi_lock_is_handed_over_in_order() -> None:
    rig = Rig()
    a, b, c = rig.tasks[1:4]
    assert rig.futex(a, WORD, LOCK_PI) == 0
    assert rig.word(WORD) == a.tid
    assert rig.futex(a, WORD, LOCK_PI) == -EDEADLK
    assert rig.futex(b, WORD, TRYLOCK_PI) == -EAGAIN
    assert rig.futex(b, WORD, LOCK_PI) == BLOCKED
    assert rig.futex(c, WORD, LOCK_PI) == BLOCKED
    assert rig.word(WORD) == a.tid | WAITERS
    assert rig.futex(rig.main, WORD, UNLOCK_PI) == -EPERM
    assert rig.futex(a, WORD, UNLOCK_PI) == 0
    assert rig.word(WORD) == b.tid | WAITERS
    assert rerun(b) == 0
    assert rig.futex(b, WORD, UNLOCK_PI) == 0
    assert rig.word(WORD) == c.tid
    assert rerun(c) == 0
    assert rig.futex(c, WORD, UNLOCK_PI) == 0
    assert rig.word(WORD) == 0 and rig.is_empty()
    rig.set(WORD, 4321)
    assert rig.futex(a, WORD, LOCK_PI) == -ESRCH


def test_a_dead_owner_of_a_pi_lock_is_succeeded() -> None:
    rig = Rig()
    a, b = rig.tasks[1:3]
    rig.futex(a, WORD, LOCK_PI)
    rig.futex(b, WORD, LOCK_PI)
    rig.kernel.futexes.exit_robust_list(a)
    assert rig.word(WORD) == b.tid | OWNER_DIED
    assert rerun(b) == 0


def test_robust_mutexes_of_a_dead_task_are_abandoned() -> None:
    rig = Rig()
    task, waiter = rig.tasks[1:3]
    head, first, second = MEMORY + 0x1000, MEMORY + 0x2000, MEMORY + 0x3000
    lock = 0x20  # offset of the word in an entry
    put(task, struct.pack("<QqQ", first, lock, 0), 0x1000)
    put(task, struct.pack("<Q", second), 0x2000)
    put(task, struct.pack("<Q", head), 0x3000)
    rig.set(first + lock, task.tid | WAITERS)
    rig.set(second + lock, 999)
    assert run(task, sys_set_robust_list, head, 23) == -EINVAL
    assert run(task, sys_set_robust_list, head, 24) == 0
    assert run(task, sys_get_robust_list, 0, MEMORY, MEMORY + 8) == 0
    assert struct.unpack("<QQ", task.user.read(MEMORY, 16)) == (head, 24)
    assert rig.futex(waiter, first + lock, WAIT, task.tid | WAITERS) == BLOCKED
    rig.kernel.futexes.exit_robust_list(task)
    assert rig.word(first + lock) == WAITERS | OWNER_DIED
    assert rig.word(second + lock) == 999
    assert rerun(waiter) == 0
    # A list without an end, and one into nowhere, do no harm.
    put(task, struct.pack("<Q", first), 0x2000)
    task.robust_list = head
    rig.kernel.futexes.exit_robust_list(task)
    task.robust_list = NOWHERE
    rig.kernel.futexes.exit_robust_list(task)


def test_clear_child_tid_wakes_a_joiner() -> None:
    rig = Rig()
    rig.futex(rig.main, WORD, WAIT, 0)
    assert rig.kernel.futexes.wake_at(rig.kernel, rig.main.mm, WORD, 1) == 1
    assert rig.kernel.futexes.wake_at(rig.kernel, rig.main.mm, NOWHERE, 1) == 0
    assert rerun(rig.main) == 0


def test_waitv_tells_which_word() -> None:
    rig = Rig()
    task = rig.main
    entries = struct.pack("<QQII", 0, WORD, 2 | PRIVATE, 0) + struct.pack("<QQII", 7, OTHER, 2 | PRIVATE, 0)
    addr = put(task, entries, 0x4000)
    assert run(task, sys_futex_waitv, addr, 2, 0, 0, 0) == -EAGAIN
    rig.set(OTHER, 7)
    assert run(task, sys_futex_waitv, addr, 2, 0, 0, 0) == BLOCKED
    assert rig.futex(rig.tasks[1], OTHER, WAKE | PRIVATE, 1) == 1
    assert rerun(task) == 1
    assert rig.is_empty()
    assert run(task, sys_futex_waitv, addr, 129, 0, 0, 0) == -EINVAL
