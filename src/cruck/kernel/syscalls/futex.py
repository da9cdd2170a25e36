# SPDX-License-Identifier: MPL-2.0
"""futex(2), futex_waitv, set_robust_list(2), get_robust_list(2). What a futex is: ipc/futex.py, ipc/pi_futex.py.

A waiting call that is run again knows by its record's `token` that it was woken; without that, it looks at the word again.
"""

from typing import Final

from cruck.abi.errno import (
    EAGAIN,
    EINVAL,
    ENOSYS,
    EPERM,
    ERESTART_RESTARTBLOCK,
    ERESTARTNOINTR,
    ERESTARTSYS,
    ESRCH,
    ETIMEDOUT,
)
from cruck.abi.mman import PROT_READ
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc import pi_futex
from cruck.kernel.ipc.futex import FUTEX_BITSET_MATCH_ANY, Key
from cruck.kernel.ipc.pi_futex import RequeueWait
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.credentials import CAP_SYS_PTRACE
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED, NO_DEADLINE, record, wait_many, wait_on
from cruck.kernel.syscalls.timespec import (
    CLOCK_MONOTONIC,
    CLOCK_REALTIME,
    deadline_from_now,
    monotonic_deadline,
    read_timespec,
)
from cruck.kernel.syscalls.types import CInt, ClockId, CUInt, Flags, Pid, Size, UserAddr

FUTEX_WAIT: Final = 0
FUTEX_WAKE: Final = 1
FUTEX_REQUEUE: Final = 3
FUTEX_CMP_REQUEUE: Final = 4
FUTEX_WAKE_OP: Final = 5
FUTEX_LOCK_PI: Final = 6
FUTEX_UNLOCK_PI: Final = 7
FUTEX_TRYLOCK_PI: Final = 8
FUTEX_WAIT_BITSET: Final = 9
FUTEX_WAKE_BITSET: Final = 10
FUTEX_WAIT_REQUEUE_PI: Final = 11
FUTEX_CMP_REQUEUE_PI: Final = 12
FUTEX_LOCK_PI2: Final = 13
FUTEX_PRIVATE_FLAG: Final = 128
FUTEX_CLOCK_REALTIME: Final = 256
FUTEX_CMD_MASK: Final = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)
# The operations that may carry FUTEX_CLOCK_REALTIME.
CLOCK_OPS: Final = (FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2)
FUTEX_32: Final = 2  # futex_waitv: size of the word
FUTEX_WAITV_MAX: Final = 128
ROBUST_LIST_HEAD_SIZE: Final = 24


def sys_futex(task: Task, uaddr: UserAddr, op: CInt, val: CUInt, utime: UserAddr, uaddr2: UserAddr, val3: CUInt) -> int:
    """Errors: −EINVAL (address not a multiple of 4, empty bitset, bad time), −EFAULT, −EAGAIN (the word is not `val`),
    −ETIMEDOUT, −ENOSYS (no such operation), restart codes."""
    command = op & FUTEX_CMD_MASK
    is_shared = not op & FUTEX_PRIVATE_FLAG
    is_realtime = op & FUTEX_CLOCK_REALTIME != 0
    if is_realtime and command not in CLOCK_OPS:
        return -ENOSYS
    if command == FUTEX_WAIT:
        return _wait(task, uaddr, is_shared, val, utime, False, False, FUTEX_BITSET_MATCH_ANY)
    if command == FUTEX_WAIT_BITSET:
        return _wait(task, uaddr, is_shared, val, utime, True, is_realtime, val3)
    if command == FUTEX_WAKE:
        return _wake(task, uaddr, is_shared, val, FUTEX_BITSET_MATCH_ANY)
    if command == FUTEX_WAKE_BITSET:
        return _wake(task, uaddr, is_shared, val, val3)
    if command in (FUTEX_REQUEUE, FUTEX_CMP_REQUEUE):
        return _requeue(task, uaddr, is_shared, val, utime, uaddr2, command == FUTEX_CMP_REQUEUE, val3)
    if command == FUTEX_WAKE_OP:
        return _wake_op(task, uaddr, is_shared, val, utime, uaddr2, val3)
    if command == FUTEX_LOCK_PI:
        return _lock_pi(task, uaddr, is_shared, utime, True)
    if command == FUTEX_LOCK_PI2:
        return _lock_pi(task, uaddr, is_shared, utime, is_realtime)
    if command == FUTEX_WAIT_REQUEUE_PI:
        return _wait_requeue_pi(task, uaddr, is_shared, val, utime, is_realtime, uaddr2)
    if command == FUTEX_CMP_REQUEUE_PI:
        return _requeue_pi(task, uaddr, is_shared, val, utime, uaddr2, val3)
    if command == FUTEX_TRYLOCK_PI:
        key = _key(task, uaddr, is_shared)
        result = pi_futex.try_lock(task.kernel.futexes.pi_queues, task, key, uaddr)
        return -EAGAIN if result == pi_futex.MUST_WAIT else result
    if command == FUTEX_UNLOCK_PI:
        key = _key(task, uaddr, is_shared)
        return pi_futex.unlock(task.kernel.futexes.pi_queues, task, key, uaddr)
    return -ENOSYS


def _signed(value: int) -> int:
    """A count as Linux's int."""
    value &= 0xFFFF_FFFF
    return value if value < 0x8000_0000 else value - 0x1_0000_0000


def _key(task: Task, addr: int, is_shared: bool) -> Key:
    """Errors: LinuxError(EINVAL): not a multiple of 4; UserFault."""
    if addr & 3:
        raise LinuxError(EINVAL)
    user = task.user
    if addr >= user.user_end:
        raise UserFault
    if is_shared and not user.space.lookup(addr) & PROT_READ and not user.resolver.resolve_fault(addr, PROT_READ):
        raise UserFault  # the key is of the page, which must be there
    return task.kernel.futexes.key(task.mm, addr, is_shared)


def _wait(task: Task, addr: UserAddr, is_shared: bool, val: int, utime: UserAddr, is_absolute: bool, is_realtime: bool, bitset: int) -> int:
    rec = task.wait
    deadline = NO_DEADLINE
    if rec is not None:
        if rec.token:
            return 0
        deadline = rec.deadline_ns
    else:
        if bitset == 0:
            return -EINVAL
        if utime:
            timeout_ns = read_timespec(task, utime)
            if is_absolute:
                deadline = monotonic_deadline(task.kernel, CLOCK_REALTIME if is_realtime else CLOCK_MONOTONIC, timeout_ns)
            else:
                deadline = deadline_from_now(task.kernel, timeout_ns)
    key = _key(task, addr, is_shared)
    if rec is None and task.user.load_u32(addr) != val:
        return -EAGAIN
    # At a later run Linux looks at the word only if neither a signal nor the deadline ended the wait.
    if rec is not None and not task.has_deliverable_signal() and not _is_over(task, deadline):
        if task.user.load_u32(addr) != val:
            return -EAGAIN
    futexes = task.kernel.futexes
    result = wait_on(task, futexes.queue(key), bitset, deadline, ERESTARTSYS if deadline < 0 else ERESTART_RESTARTBLOCK)
    if result != BLOCKED:
        futexes.drop_if_empty(key)
    return result


def _is_over(task: Task, deadline_ns: int) -> bool:
    return 0 <= deadline_ns <= task.kernel.clock.monotonic_ns()


def _wake(task: Task, addr: UserAddr, is_shared: bool, count: int, bitset: int) -> int:
    if bitset == 0:
        return -EINVAL
    key = _key(task, addr, is_shared)
    if _waits_to_be_moved(task, key):
        return -EINVAL
    # Linux wakes one even if asked for none (kernel/futex/waitwake.c: `if (++ret >= nr_wake) break`).
    return task.kernel.futexes.wake(key, max(1, _signed(count)), bitset)


def _requeue(task: Task, addr: UserAddr, is_shared: bool, val: int, val2: int, addr2: UserAddr, must_compare: bool, val3: int) -> int:
    nr_wake = _signed(val)
    nr_requeue = _signed(val2)
    if nr_wake < 0 or nr_requeue < 0:
        return -EINVAL
    key = _key(task, addr, is_shared)
    other = _key(task, addr2, is_shared)
    if must_compare and task.user.load_u32(addr) != val3:
        return -EAGAIN
    if _waits_to_be_moved(task, key):
        return -EINVAL
    return task.kernel.futexes.requeue(key, other, nr_wake, nr_requeue)


def _waits_to_be_moved(task: Task, key: Key) -> bool:
    """Is the first waiter one of FUTEX_WAIT_REQUEUE_PI, which only FUTEX_CMP_REQUEUE_PI may touch?"""
    queue = task.kernel.futexes.queues.get(key)
    if queue is None:
        return False
    for waiter in queue.waiters:
        return isinstance(waiter, Task) and waiter.wait is not None and isinstance(waiter.wait.extra, RequeueWait)
    return False


def _wake_op(task: Task, addr: UserAddr, is_shared: bool, val: int, val2: int, addr2: UserAddr, encoded: int) -> int:
    """Changes the word at addr2, wakes waiters of addr, and of addr2 if its old value compares as asked."""
    key = _key(task, addr, is_shared)
    other = _key(task, addr2, is_shared)
    operation = encoded >> 28 & 7
    comparison = encoded >> 24 & 15
    argument = _signed_12(encoded >> 12 & 0xFFF)
    operand = _signed_12(encoded & 0xFFF)
    if encoded >> 31:  # FUTEX_OP_OPARG_SHIFT
        argument = 1 << (argument & 31)
    if operation > 4 or comparison > 5:
        return -ENOSYS
    user = task.user
    old = user.load_u32(addr2)
    while True:
        found = user.cas_u32(addr2, old, _apply(operation, old, argument))
        if found == old:
            break
        old = found
    futexes = task.kernel.futexes
    nr_woken = futexes.wake(key, max(1, _signed(val)))
    if _compares(comparison, _signed(old), operand):
        nr_woken += futexes.wake(other, max(1, _signed(val2)))
    return nr_woken


def _signed_12(value: int) -> int:
    return value - 0x1000 if value & 0x800 else value


def _apply(operation: int, old: int, argument: int) -> int:
    if operation == 0:
        return argument
    if operation == 1:
        return old + argument
    if operation == 2:
        return old | argument
    if operation == 3:
        return old & ~argument
    return old ^ argument


def _compares(comparison: int, old: int, operand: int) -> bool:
    if comparison == 0:
        return old == operand
    if comparison == 1:
        return old != operand
    if comparison == 2:
        return old < operand
    if comparison == 3:
        return old <= operand
    if comparison == 4:
        return old > operand
    return old >= operand


def _lock_pi(task: Task, addr: UserAddr, is_shared: bool, utime: UserAddr, is_realtime: bool) -> int:
    """0: the lock is held. The timeout is absolute. −EDEADLK, −ESRCH, −ETIMEDOUT."""
    rec = task.wait
    deadline = NO_DEADLINE
    if rec is not None:
        if rec.token:
            return 0
        deadline = rec.deadline_ns
    elif utime:
        clock = CLOCK_REALTIME if is_realtime else CLOCK_MONOTONIC
        deadline = monotonic_deadline(task.kernel, clock, read_timespec(task, utime))
    key = _key(task, addr, is_shared)
    queues = task.kernel.futexes.pi_queues
    result = pi_futex.try_lock(queues, task, key, addr)
    if result != pi_futex.MUST_WAIT:
        return result
    queue = pi_futex.queue_for(queues, task, key, addr)
    result = wait_on(task, queue, FUTEX_BITSET_MATCH_ANY, deadline, ERESTARTNOINTR)
    if result != BLOCKED:
        queue.remove(task)
    return result


def _wait_requeue_pi(task: Task, addr: UserAddr, is_shared: bool, val: int, utime: UserAddr, is_realtime: bool, addr2: UserAddr) -> int:
    """0: the PI futex at addr2 is held. Errors: −EINVAL, −EFAULT, −EAGAIN (not `val`, or woken otherwise), −ETIMEDOUT."""
    rec = task.wait
    if rec is not None and isinstance(rec.extra, RequeueWait):
        if rec.token:
            return 0
        if _is_over(task, rec.deadline_ns):
            return -ETIMEDOUT
        if task.has_deliverable_signal():
            # Once moved it cannot be restarted: the word of the condition has changed.
            return -EAGAIN if rec.extra.is_moved else -ERESTARTNOINTR
        return -EAGAIN
    deadline = NO_DEADLINE
    if utime:
        deadline = monotonic_deadline(task.kernel, CLOCK_REALTIME if is_realtime else CLOCK_MONOTONIC, read_timespec(task, utime))
    if addr == addr2:
        return -EINVAL
    key = _key(task, addr, is_shared)
    other = _key(task, addr2, is_shared)
    if key == other:
        return -EINVAL
    if task.user.load_u32(addr) != val:
        return -EAGAIN
    futexes = task.kernel.futexes
    result = wait_on(task, futexes.queue(key), FUTEX_BITSET_MATCH_ANY, deadline, ERESTARTNOINTR)
    if result == BLOCKED:
        record(task).extra = RequeueWait(other, addr2)
    else:
        futexes.drop_if_empty(key)
    return result


def _requeue_pi(task: Task, addr: UserAddr, is_shared: bool, val: int, val2: int, addr2: UserAddr, val3: int) -> int:
    nr_requeue = _signed(val2)
    if val != 1 or nr_requeue < 0 or addr == addr2:
        return -EINVAL
    key = _key(task, addr, is_shared)
    other = _key(task, addr2, is_shared)
    if task.user.load_u32(addr) != val3:
        return -EAGAIN
    futexes = task.kernel.futexes
    queue = futexes.queues.get(key)
    waiters: list[Task] = []
    if queue is not None:
        for waiter in queue.waiters:
            if isinstance(waiter, Task) and waiter.wait is not None:
                wanted = waiter.wait.extra
                if not isinstance(wanted, RequeueWait) or wanted.key != other:
                    return -EINVAL  # not all of them wait to be moved there
                waiters.append(waiter)
    if queue is None or not waiters:
        return 0
    return pi_futex.requeue(futexes.pi_queues, task, waiters, queue, other, addr2, nr_requeue)


def sys_futex_waitv(task: Task, waiters: UserAddr, nr_futexes: CUInt, flags: Flags, timeout: UserAddr, clockid: ClockId) -> int:
    """Waits for one of several; the index of the one that was woken. `waiters`: nr × {u64 val, u64 uaddr, u32 flags, u32 0}.
    Errors: −EINVAL, −EFAULT, −EAGAIN (one of the words is not its `val`), −ETIMEDOUT, −ERESTARTSYS."""
    rec = task.wait
    if rec is not None and rec.token:
        return rec.progress
    if flags or nr_futexes == 0 or nr_futexes > FUTEX_WAITV_MAX or not waiters:
        return -EINVAL
    deadline = NO_DEADLINE
    if rec is not None:
        deadline = rec.deadline_ns
    elif timeout:
        if clockid not in (CLOCK_REALTIME, CLOCK_MONOTONIC):
            return -EINVAL
        deadline = monotonic_deadline(task.kernel, clockid, read_timespec(task, timeout))
    futexes = task.kernel.futexes
    data = task.user.read(waiters, nr_futexes * 24)
    entries: list[tuple[Key, int, int]] = []
    for index in range(nr_futexes):
        entry = data[index * 24 : index * 24 + 24]
        val = int.from_bytes(entry[:8], "little")
        addr = int.from_bytes(entry[8:16], "little")
        entry_flags = int.from_bytes(entry[16:20], "little")
        if entry_flags & ~(FUTEX_32 | FUTEX_PRIVATE_FLAG) or not entry_flags & FUTEX_32 or any(entry[20:]):
            return -EINVAL
        entries.append((_key(task, addr, not entry_flags & FUTEX_PRIVATE_FLAG), addr, val & 0xFFFF_FFFF))
    if rec is None or not (task.has_deliverable_signal() or _is_over(task, deadline)):
        for _, addr, val in entries:
            if task.user.load_u32(addr) != val:
                return -EAGAIN
    queues: list[tuple[WaitQueue, int]] = []
    for key, _, _ in entries:
        queues.append((futexes.queue(key), FUTEX_BITSET_MATCH_ANY))
    result = wait_many(task, queues, deadline, ERESTARTSYS)
    if result != BLOCKED:
        for key, _, _ in entries:
            futexes.drop_if_empty(key)
    return result


def sys_set_robust_list(task: Task, head: UserAddr, length: Size) -> int:
    """Errors: EINVAL (length)."""
    if length != ROBUST_LIST_HEAD_SIZE:
        return -EINVAL
    task.robust_list = head
    task.robust_list_size = length
    return 0


def sys_get_robust_list(task: Task, pid: Pid, head_ptr: UserAddr, len_ptr: UserAddr) -> int:
    """Errors: −ESRCH, −EPERM, −EFAULT."""
    target = task if pid == 0 else task.find_task(pid)
    if target is None:
        # pid 1 has no thread to be asked; Linux's checks come first.
        if task.find_process(pid) is task.kernel.init and not task.creds.has(CAP_SYS_PTRACE):
            return -EPERM
        return -ESRCH
    if target.process is not task.process and task.creds.uid != target.creds.uid and not task.creds.has(CAP_SYS_PTRACE):
        return -EPERM
    task.user.write_u64(len_ptr, ROBUST_LIST_HEAD_SIZE)
    task.user.write_u64(head_ptr, target.robust_list)
    return 0
