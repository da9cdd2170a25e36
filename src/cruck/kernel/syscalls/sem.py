# SPDX-License-Identifier: MPL-2.0
"""semget, semop, semtimedop, semctl. Sets: ipc/sem.py."""

from typing import Final

from cruck.abi.errno import E2BIG, EAGAIN, EIDRM, EINTR, EINVAL, ERANGE, ETIMEDOUT
from cruck.abi.ipc import (
    GETALL,
    GETNCNT,
    GETPID,
    GETVAL,
    GETZCNT,
    IPC_INFO,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    SEM_INFO,
    SEM_STAT,
    SEM_STAT_ANY,
    SEM_UNDO,
    SEMAEM,
    SEMBUF,
    SEMID64_DS,
    SEMINFO,
    SEMMAP,
    SEMMNU,
    SEMUME,
    SEMUSZ,
    SEMVMX,
    SETALL,
    SETVAL,
)
from cruck.kernel.ipc.sem import DONE, SemOp, SemSet, SemTable, SemUndo, SemWait, check_operations, may_not_wait
from cruck.kernel.poll.wait_queue import ALL_EVENTS
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.sysv_perm import find_for_stat, perm_values, set_perm
from cruck.kernel.syscalls.time import read_timespec
from cruck.kernel.syscalls.types import CInt, CUInt, ULong, UserAddr

KEY_MASK: Final = 0xFFFF_FFFF


def sys_semget(task: Task, key: CInt, nr: CInt, flags: CInt) -> int:
    """The identifier. Errors: EINVAL (number), EEXIST, ENOENT, EACCES, ENOSPC."""
    return task.ipc.sem.get(key & KEY_MASK, nr, flags, task.creds)


def sys_semop(task: Task, identifier: CInt, operations: UserAddr, count: CUInt) -> int:
    """Errors: EINVAL (identifier, no operation), E2BIG (too many), EFAULT, EFBIG (no such semaphore), EACCES, EIDRM (removed
    meanwhile), ERANGE, EAGAIN (IPC_NOWAIT), EINTR (never restarted)."""
    return _operate(task, identifier, operations, count, -1)


def sys_semtimedop(task: Task, identifier: CInt, operations: UserAddr, count: CUInt, timeout: UserAddr) -> int:
    """As semop. Errors: also EAGAIN (the time is over), EINVAL (time)."""
    return _operate(task, identifier, operations, count, read_timespec(task, timeout) if timeout else -1)


def _operate(task: Task, identifier: int, addr: int, count: int, timeout_ns: int) -> int:
    """0. Errors: EINVAL (identifier, no operation, timeout), E2BIG (too many), EFAULT, EFBIG (no such semaphore), EACCES, EIDRM
    (removed meanwhile), ERANGE, EAGAIN (IPC_NOWAIT, or the time is over), EINTR (never restarted)."""
    table = task.ipc.sem
    if count < 1 or identifier < 0:
        return -EINVAL
    if count > table.max_operations:
        return -E2BIG
    data = task.user.read(addr, count * SEMBUF.size)
    operations: list[SemOp] = []
    undoes = False
    for index in range(count):
        number, change, flags = SEMBUF.unpack_from(data, index * SEMBUF.size)
        operations.append(SemOp(number, change, flags))
        undoes = undoes or (flags & SEM_UNDO != 0 and change != 0)
    waited = task.wait.extra if task.wait is not None else None
    if isinstance(waited, SemWait):
        semset = waited.semset
        if semset.is_removed:
            return -EIDRM
    else:
        semset = table.find_set(identifier)
        error = check_operations(semset, operations, task.creds)
        if error:
            return -error
    undo: SemUndo | None = None
    if undoes:
        if task.sem_undo is None:
            task.sem_undo = SemUndo()
        undo = task.sem_undo
    stuck = semset.perform(operations, undo, task.process.pid, table.now_s())
    if stuck == DONE:
        return 0
    operation = operations[stuck]
    if may_not_wait(operation):
        return -EAGAIN
    deadline_ns = blocking.deadline_after(task, timeout_ns)
    result = blocking.wait_on(task, semset.queue, ALL_EVENTS, deadline_ns, EINTR)
    if result == blocking.BLOCKED:
        blocking.record(task).extra = SemWait(semset, operation.number, operation.change == 0)
        return result
    return -EAGAIN if result == -ETIMEDOUT else result


def sys_semctl(task: Task, identifier: CInt, number: CInt, command: CInt, argument: ULong) -> int:
    """Errors: EINVAL (identifier, number, command), EACCES, EPERM, ERANGE (value), EFAULT."""
    table = task.ipc.sem
    if identifier < 0:
        return -EINVAL
    if command in (IPC_INFO, SEM_INFO):
        return _info(task, table, command, argument)
    if command in (IPC_STAT, SEM_STAT, SEM_STAT_ANY):
        found, result = find_for_stat(task, table, command, SEM_STAT_ANY, identifier)
        assert isinstance(found, SemSet)
        task.user.write(argument, SEMID64_DS.pack(*perm_values(found), found.operated_s, found.changed_s, len(found.values)))
        return result
    if command in (GETVAL, GETPID, GETNCNT, GETZCNT):
        return _get_one(task, table, identifier, number, command)
    if command == SETVAL:
        value = argument & 0xFFFF_FFFF
        if value > SEMVMX:
            return -ERANGE
        semset = table.find_set(identifier)
        if not 0 <= number < len(semset.values):
            return -EINVAL
        semset.check(task.creds, 0o222)
        semset.set_values(number, [value], task.process.pid, table.now_s())
        return 0
    if command == GETALL:
        semset = table.find_set(identifier)
        semset.check(task.creds, 0o444)
        task.user.write(argument, b"".join([value.to_bytes(2, "little") for value in semset.values]))
        return 0
    if command == SETALL:
        return _set_all(task, table, identifier, argument)
    if command == IPC_SET:
        data = task.user.read(argument, SEMID64_DS.size)
        semset = table.find_set(identifier)
        semset.check_owner(task.creds)
        set_perm(task, semset, data, table.now_s())
        return 0
    if command == IPC_RMID:
        semset = table.find_set(identifier)
        semset.check_owner(task.creds)
        table.destroy(semset)
        return 0
    return -EINVAL


def _info(task: Task, table: SemTable, command: int, addr: int) -> int:
    used, held = (len(table.objects), table.nr_semaphores) if command == SEM_INFO else (SEMUSZ, SEMAEM)
    data = SEMINFO.pack(
        SEMMAP, table.max_sets, table.max_semaphores, SEMMNU, table.max_per_set, table.max_operations, SEMUME, used, SEMVMX, held
    )
    task.user.write(addr, data)
    return table.max_index()


def _get_one(task: Task, table: SemTable, identifier: int, number: int, command: int) -> int:
    semset = table.find_set(identifier)
    semset.check(task.creds, 0o444)
    if not 0 <= number < len(semset.values):
        return -EINVAL
    if command == GETVAL:
        return semset.values[number]
    if command == GETPID:
        return task.number_of(semset.pids[number])
    return semset.nr_waiting(number, command == GETZCNT)


def _set_all(task: Task, table: SemTable, identifier: int, addr: int) -> int:
    semset = table.find_set(identifier)
    semset.check(task.creds, 0o222)
    data = task.user.read(addr, 2 * len(semset.values))
    values = [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]
    if max(values) > SEMVMX:
        return -ERANGE
    semset.set_values(0, values, task.process.pid, table.now_s())
    return 0
