# SPDX-License-Identifier: MPL-2.0
"""MqInode: a message queue. MqFile: an open one, made by mq_open or by open in a mounted mqueue file system."""

from bisect import insort
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.abi.mqueue import MQ_PRIO_MAX, NOTIFY_COOKIE_LEN, NOTIFY_REMOVED, NOTIFY_WOKENUP
from cruck.abi.signal import SI_MESGQ, SIGEV_SIGNAL, SIGEV_THREAD
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.fs.tmpfs.node import TmpInode
from cruck.kernel.net.netlink.socket import NetlinkSocket
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.task import Task
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.fs.mqueue.fs_type import MqueueFs
    from cruck.kernel.process.process import Process
    from cruck.kernel.vfs.dentry import Path

READABLE: Final = 0x41  # POLLIN | POLLRDNORM
WRITABLE: Final = 0x104  # POLLOUT | POLLWRNORM
FILE_BYTES: Final = 80  # FILENT_SIZE: what stat says
HEADER_BYTES: Final = 48  # struct msg_msg and struct posix_msg_tree_node, for RLIMIT_MSGQUEUE


class Message:
    """Sorts as it is received: highest priority first, then oldest."""

    def __init__(self, priority: int, number: int, text: bytes) -> None:
        self.priority = priority
        self.number = number
        self.text = text

    def __lt__(self, other: "Message") -> bool:
        if self.priority != other.priority:
            return self.priority > other.priority
        return self.number < other.number


class Notification:
    """mq_notify: who is to be told of the next message to an empty queue."""

    process: "Process"
    kind: int  # SIGEV_*
    signo: int
    value: int
    cookie: bytes  # SIGEV_THREAD: what the C library's helper thread reads from `socket`
    socket: NetlinkSocket | None

    def __init__(self, process: "Process", kind: int, signo: int, value: int) -> None:
        self.process = process
        self.kind = kind
        self.signo = signo
        self.value = value
        self.cookie = b""
        self.socket = None

    def tell(self, code: int) -> None:
        """To the helper thread: NOTIFY_WOKENUP or NOTIFY_REMOVED."""
        if self.socket is not None:
            self.socket.deliver(self.cookie[: NOTIFY_COOKIE_LEN - 1] + bytes((code,)))


class MqInode(TmpInode):
    max_messages: int
    max_bytes: int  # of one message
    messages: list[Message]  # sorted
    nr_bytes: int
    next_number: int
    readers: WaitQueue  # mq_timedreceive
    writers: WaitQueue  # mq_timedsend
    pollers: WaitQueue
    notification: Notification | None
    owner_uid: int  # who is charged
    charged_bytes: int

    def __init__(self, fs: "MqueueFs", ino: int, mode: int, uid: int, gid: int, max_messages: int, max_bytes: int) -> None:
        super().__init__(fs, ino, mode, uid, gid)
        self.max_messages = max_messages
        self.max_bytes = max_bytes
        self.messages = []
        self.nr_bytes = self.next_number = 0
        self.readers = WaitQueue()
        self.writers = WaitQueue()
        self.pollers = WaitQueue()
        self.notification = None
        self.owner_uid = uid
        self.charged_bytes = charge_of(max_messages, max_bytes)

    def size(self) -> int:
        return FILE_BYTES

    def revalidate(self) -> bool:
        return self.nlink > 0

    def open(self, path: "Path", flags: int) -> File:
        return MqFile(self, flags)

    def truncate(self, length: int) -> None:
        """O_TRUNC changes nothing."""

    def forget(self) -> None:
        from cruck.kernel.fs.mqueue.fs_type import MqueueFs

        super().forget()
        fs = self.fs
        assert isinstance(fs, MqueueFs)
        fs.uncharge(self.owner_uid, self.charged_bytes)
        self.messages.clear()

    def is_full(self) -> bool:
        return len(self.messages) >= self.max_messages

    def send(self, sender: Task, priority: int, text: bytes) -> None:
        """The caller has seen that there is room."""
        is_first = not self.messages
        insort(self.messages, Message(priority, self.next_number, text))
        self.next_number += 1
        self.nr_bytes += len(text)
        is_awaited = bool(self.readers.waiters)
        self.readers.wake_one()
        self.pollers.wake(READABLE)
        if is_first and not is_awaited and self.notification is not None:
            self._notify(sender, self.notification)

    def take(self) -> Message:
        message = self.messages.pop(0)
        self.nr_bytes -= len(message.text)
        self.writers.wake_one()
        self.pollers.wake(WRITABLE)
        return message

    def _notify(self, sender: Task, told: Notification) -> None:
        self.notification = None
        if told.kind == SIGEV_SIGNAL and told.signo:
            info = SigInfo(told.signo, SI_MESGQ, sender.process.pid, sender.creds.uid)
            info.value = told.value
            sender.kernel.send_signal_process(told.process, told.signo, info)
        elif told.kind == SIGEV_THREAD:
            told.tell(NOTIFY_WOKENUP)

    def forget_notification(self) -> None:
        told, self.notification = self.notification, None
        if told is not None:
            told.tell(NOTIFY_REMOVED)

    def state_text(self) -> bytes:
        told = self.notification
        kind = told.kind if told is not None else 0
        signo = told.signo if told is not None and told.kind == SIGEV_SIGNAL else 0
        pid = told.process.pid if told is not None else 0
        return b"QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n" % (self.nr_bytes, kind, signo, pid)


class MqFile(File):
    queue: MqInode

    def __init__(self, queue: MqInode, flags: int) -> None:
        super().__init__(flags)
        self.queue = queue
        self.is_seekable = True

    def read(self, out: VmWriter, offset: int) -> int:
        text = self.queue.state_text()[offset:]
        return out.write(text[: out.remaining]) if text else 0

    def write(self, data: VmReader, offset: int) -> int:
        return -EINVAL

    def lseek(self, offset: int, whence: int) -> int:
        if whence == 1:
            offset += self.pos
        elif whence == 2:
            offset += FILE_BYTES
        elif whence != 0:
            return -EINVAL
        if offset < 0:
            return -EINVAL
        self.pos = offset
        return offset

    def flush(self, task: Task) -> int:
        told = self.queue.notification
        if told is not None and told.process is task.process:
            self.queue.forget_notification()
        return 0

    def poll(self) -> int:
        queue = self.queue
        mask = READABLE if queue.messages else 0
        return mask if queue.is_full() else mask | WRITABLE

    def wait_queue(self) -> WaitQueue | None:
        return self.queue.pollers


def charge_of(max_messages: int, max_bytes: int) -> int:
    """Bytes a queue counts for in RLIMIT_MSGQUEUE."""
    return max_messages * (HEADER_BYTES + max_bytes) + min(max_messages, MQ_PRIO_MAX) * HEADER_BYTES
