# SPDX-License-Identifier: MPL-2.0
"""msgget, msgsnd, msgrcv, msgctl. Queues: ipc/msg.py."""

from typing import Final

from cruck.abi.capability import CAP_SYS_RESOURCE
from cruck.abi.errno import E2BIG, EAGAIN, EIDRM, EINVAL, ENOMSG, EPERM, ERESTARTNOHAND
from cruck.abi.ipc import (
    IPC_INFO,
    IPC_NOWAIT,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    MSG_COPY,
    MSG_EXCEPT,
    MSG_INFO,
    MSG_NOERROR,
    MSG_STAT,
    MSG_STAT_ANY,
    MSGINFO,
    MSGMAP,
    MSGPOOL,
    MSGSEG,
    MSGSSZ,
    MSGTQL,
    MSQID64_DS,
)
from cruck.kernel.ipc.msg import Message, MessageQueue, MsgTable, choice_of
from cruck.kernel.poll.wait_queue import ALL_EVENTS, WaitQueue
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.sysv_perm import find_for_stat, perm_values, set_perm
from cruck.kernel.syscalls.types import CInt, Flags, Long, Size, UserAddr

KEY_MASK: Final = 0xFFFF_FFFF
MAX_SSIZE: Final = (1 << 63) - 1


def sys_msgget(task: Task, key: CInt, flags: CInt) -> int:
    """The identifier. Errors: EEXIST, ENOENT, EACCES, ENOSPC."""
    return task.ipc.msg.get(key & KEY_MASK, flags, task.creds)


def sys_msgsnd(task: Task, identifier: CInt, message: UserAddr, size: Size, flags: Flags) -> int:
    """0. Errors: EFAULT, EINVAL (identifier, size, type), EACCES, EAGAIN (IPC_NOWAIT), EIDRM (removed meanwhile), EINTR."""
    table = task.ipc.msg
    kind = task.user.read_s64(message)
    if size > table.max_message_bytes or identifier < 0 or kind < 1:
        return -EINVAL
    text = task.user.read(message + 8, size)
    queue = _queue(task, table, identifier)
    if queue is None:
        return -EIDRM
    queue.check(task.creds, 0o222)
    if queue.has_room(size):
        queue.send(Message(kind, text), task.process.pid, table.now_s())
        return 0
    if flags & IPC_NOWAIT:
        return -EAGAIN
    return _wait(task, queue, queue.writers)


def sys_msgrcv(task: Task, identifier: CInt, message: UserAddr, size: Size, kind: Long, flags: Flags) -> int:
    """Bytes of text. Errors: EINVAL (identifier, size, MSG_COPY with what it excludes), EACCES, E2BIG (longer than `size`), ENOMSG
    (IPC_NOWAIT), EIDRM (removed meanwhile), EINTR, EFAULT (the message is lost)."""
    table = task.ipc.msg
    if identifier < 0 or size > MAX_SSIZE:
        return -EINVAL
    is_copy = flags & MSG_COPY != 0
    if is_copy and (flags & MSG_EXCEPT or not flags & IPC_NOWAIT):
        return -EINVAL
    mode, wanted = choice_of(kind, flags & MSG_EXCEPT != 0, is_copy)
    queue = _queue(task, table, identifier)
    if queue is None:
        return -EIDRM
    queue.check(task.creds, 0o444)
    index = queue.find(mode, wanted)
    if index < 0:
        if flags & IPC_NOWAIT:
            return -ENOMSG
        return _wait(task, queue, queue.readers)
    found = queue.messages[index]
    if size < len(found.text) and not flags & MSG_NOERROR:
        return -E2BIG
    text = found.text[:size]
    if not is_copy:
        queue.take(index, task.process.pid, table.now_s())
    task.user.write(message, found.kind.to_bytes(8, "little") + text)
    return len(text)


def _queue(task: Task, table: MsgTable, identifier: int) -> MessageQueue | None:
    """None: it was removed while this call waited. Errors: LinuxError(EINVAL)."""
    waited = task.wait.extra if task.wait is not None else None
    if isinstance(waited, MessageQueue):
        return None if waited.is_removed else waited
    return table.find_queue(identifier)


def _wait(task: Task, queue: MessageQueue, wait_queue: WaitQueue) -> int:
    result = blocking.wait_on(task, wait_queue, ALL_EVENTS, blocking.NO_DEADLINE, ERESTARTNOHAND)
    if result == blocking.BLOCKED:
        blocking.record(task).extra = queue
    return result


def sys_msgctl(task: Task, identifier: CInt, command: CInt, buffer: UserAddr) -> int:
    """Errors: EINVAL (identifier, index, command), EACCES, EPERM (owner; msg_qbytes beyond kernel.msgmnb), EFAULT."""
    table = task.ipc.msg
    if identifier < 0 or command < 0:
        return -EINVAL
    if command in (IPC_INFO, MSG_INFO):
        pool, mapped, headers = MSGPOOL, MSGMAP, MSGTQL
        if command == MSG_INFO:
            pool, mapped, headers = _totals(table)
        limits = table.max_message_bytes, table.max_queue_bytes, table.max_queues
        task.user.write(buffer, MSGINFO.pack(pool, mapped, *limits, MSGSSZ, headers, MSGSEG))
        return table.max_index()
    if command in (IPC_STAT, MSG_STAT, MSG_STAT_ANY):
        found, result = find_for_stat(task, table, command, MSG_STAT_ANY, identifier)
        assert isinstance(found, MessageQueue)
        task.user.write(buffer, msqid_ds(task, found))
        return result
    if command == IPC_SET:
        data = task.user.read(buffer, MSQID64_DS.size)
        max_bytes = int.from_bytes(data[MSQID64_DS.offsets["msg_qbytes"] :][:8], "little")
        queue = table.find_queue(identifier)
        queue.check_owner(task.creds)
        if max_bytes > table.max_queue_bytes and not task.creds.has(CAP_SYS_RESOURCE):
            return -EPERM
        set_perm(task, queue, data, table.now_s())
        queue.max_bytes = max_bytes
        queue.readers.wake()
        queue.writers.wake()
        return 0
    if command == IPC_RMID:
        queue = table.find_queue(identifier)
        queue.check_owner(task.creds)
        table.destroy(queue)
        return 0
    return -EINVAL


def _totals(table: MsgTable) -> tuple[int, int, int]:
    """Queues, messages and bytes of all."""
    nr_messages = nr_bytes = 0
    for queue in table.objects.values():
        assert isinstance(queue, MessageQueue)
        nr_messages += len(queue.messages)
        nr_bytes += queue.nr_bytes
    return len(table.objects), nr_messages, nr_bytes


def msqid_ds(task: Task, queue: MessageQueue) -> bytes:
    return MSQID64_DS.pack(
        *perm_values(queue), queue.sent_s, queue.received_s, queue.changed_s, queue.nr_bytes, len(queue.messages), queue.max_bytes,
        task.number_of(queue.last_sender_pid), task.number_of(queue.last_receiver_pid),
    )  # fmt: skip
