# SPDX-License-Identifier: MPL-2.0
"""System V message queues (msgop(2), Linux ipc/msg.c)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.abi.ipc import MSGMAX, MSGMNB, MSGMNI
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.sysv import IpcObject, IpcTable
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.credentials import Credentials

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

# How msgrcv chooses.
ANY: Final = 0
EQUAL: Final = 1
NOT_EQUAL: Final = 2
LOWEST_UP_TO: Final = 3
NUMBER: Final = 4  # MSG_COPY: by position


class Message:
    def __init__(self, kind: int, text: bytes) -> None:
        self.kind = kind  # mtype, > 0
        self.text = text


class MessageQueue(IpcObject):
    messages: list[Message]
    nr_bytes: int
    max_bytes: int  # msg_qbytes
    last_sender_pid: int
    last_receiver_pid: int
    sent_s: int
    received_s: int
    readers: WaitQueue
    writers: WaitQueue

    def __init__(self, key: int, mode: int, creds: Credentials, max_bytes: int, now_s: int) -> None:
        super().__init__(key, mode, creds, now_s)
        self.messages = []
        self.nr_bytes = 0
        self.max_bytes = max_bytes
        self.last_sender_pid = self.last_receiver_pid = self.sent_s = self.received_s = 0
        self.readers = WaitQueue()
        self.writers = WaitQueue()

    def has_room(self, length: int) -> bool:
        """Empty messages count too, or they could be sent without end."""
        return self.nr_bytes + length <= self.max_bytes and len(self.messages) + 1 <= self.max_bytes

    def send(self, message: Message, pid: int, now_s: int) -> None:
        """The caller has seen that there is room."""
        self.messages.append(message)
        self.nr_bytes += len(message.text)
        self.last_sender_pid = pid
        self.sent_s = now_s
        self.readers.wake()

    def find(self, mode: int, kind: int) -> int:
        """The index of the message that msgrcv takes, −1 none."""
        if mode == NUMBER:
            return kind if kind < len(self.messages) else -1
        best = -1
        for index, message in enumerate(self.messages):
            if mode == ANY or mode == EQUAL and message.kind == kind or mode == NOT_EQUAL and message.kind != kind:
                return index
            if mode == LOWEST_UP_TO and message.kind <= kind:
                if best < 0 or message.kind < self.messages[best].kind:
                    best = index
        return best

    def take(self, index: int, pid: int, now_s: int) -> None:
        message = self.messages.pop(index)
        self.nr_bytes -= len(message.text)
        self.last_receiver_pid = pid
        self.received_s = now_s
        self.writers.wake()

    def forget(self) -> None:
        """IPC_RMID."""
        self.messages.clear()
        self.nr_bytes = 0
        self.readers.wake()
        self.writers.wake()


class MsgTable(IpcTable):
    kernel: "Kernel"
    max_message_bytes: int  # kernel.msgmax, msgmnb, msgmni
    max_queue_bytes: int
    max_queues: int

    def __init__(self, kernel: "Kernel") -> None:
        super().__init__()
        self.kernel = kernel
        self.max_message_bytes = MSGMAX
        self.max_queue_bytes = MSGMNB
        self.max_queues = MSGMNI

    def get(self, key: int, flags: int, creds: Credentials) -> int:
        """msgget: the identifier. Errors: LinuxError(EEXIST, ENOENT, EACCES, ENOSPC)."""
        found = self.by_key(key, flags)
        if found is not None:
            found.check(creds, flags & 0o777)
            return found.id
        return self.add(MessageQueue(key, flags, creds, self.max_queue_bytes, self.now_s()), self.max_queues)

    def find_queue(self, identifier: int) -> MessageQueue:
        """Errors: LinuxError(EINVAL)."""
        found = self.find(identifier)
        assert isinstance(found, MessageQueue)
        return found

    def destroy(self, queue: MessageQueue) -> None:
        self.remove(queue)
        queue.forget()

    def now_s(self) -> int:
        return self.kernel.clock.realtime_ns() // 1_000_000_000


def choice_of(kind: int, is_except: bool, is_copy: bool) -> tuple[int, int]:
    """(mode, type or position) of msgrcv's msgtyp. Errors: LinuxError(EINVAL): a negative position."""
    if is_copy:
        if kind < 0:
            raise LinuxError(EINVAL)
        return NUMBER, kind
    if kind == 0:
        return ANY, 0
    if kind < 0:
        return LOWEST_UP_TO, min(-kind, (1 << 63) - 1)
    return (NOT_EQUAL if is_except else EQUAL), kind
