# SPDX-License-Identifier: MPL-2.0
"""NetlinkSocket (netlink(7)): a request sent to the kernel is answered at once into the socket's own queue, by route.py or diag.py.

Groups can be joined: no interface and no device (NETLINK_KOBJECT_UEVENT) ever changes, so nothing is ever told. Not here: messages between processes (−ECONNREFUSED).
"""

from collections import deque
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EADDRINUSE, ECONNREFUSED, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, ENOPROTOOPT, EOPNOTSUPP
from cruck.abi.socket import AF_NETLINK, NETLINK_ROUTE, NETLINK_SOCK_DIAG, SOCKADDR_NL
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.net.inet.family import interfaces_of
from cruck.kernel.net.ioctl import may_change_loopback
from cruck.kernel.net.netlink import diag, route
from cruck.kernel.net.socket import MSG_OOB, MSG_PEEK, MSG_TRUNC, Ancillary, Received, Socket
from cruck.kernel.process.credentials import CAP_NET_ADMIN

if TYPE_CHECKING:
    from cruck.kernel.net.netlink.family import NetlinkFamily
    from cruck.kernel.process.task import Task

SOL_NETLINK: Final = 270
# NETLINK_ADD_MEMBERSHIP, DROP_MEMBERSHIP, and options that only say how much is told:
# BROADCAST_ERROR, NO_ENOBUFS, CAP_ACK, EXT_ACK, GET_STRICT_CHK.
_MEMBERSHIPS: Final = (1, 2)
_SILENT: Final = (4, 5, 10, 11, 12)
POLL_ALWAYS: Final = 0x304
READABLE: Final = 0x41


class NetlinkSocket(Socket):
    family: "NetlinkFamily"
    port: int  # 0: none yet
    groups: int
    replies: deque[bytes]
    nr_queued: int  # bytes in replies

    def __init__(self, family: "NetlinkFamily", task: "Task", kind: int, protocol: int) -> None:
        super().__init__(task.kernel, AF_NETLINK, kind, protocol, task.creds.fsuid, task.creds.fsgid)
        self.family = family
        self.port = 0
        self.groups = 0
        self.replies = deque()
        self.nr_queued = 0

    def bind(self, task: "Task", address: bytes) -> int:
        """Errors: −EINVAL (size, family, bound to another port), −EADDRINUSE."""
        if len(address) < SOCKADDR_NL.size:
            return -EINVAL
        number, port, groups = SOCKADDR_NL.unpack(address[: SOCKADDR_NL.size])
        if number != AF_NETLINK:
            return -EINVAL
        if self.port:
            if port != self.port and port:
                return -EINVAL
        elif port:
            if (self.protocol, port) in self.family.ports:
                return -EADDRINUSE
            self.port = port
            self.family.ports[(self.protocol, port)] = self
        else:
            self._autobind(task)
        self.groups = groups
        return 0

    def _autobind(self, task: "Task") -> None:
        if self.port == 0:
            self.port = self.family.choose(self.protocol, task.process.pid)
            self.family.ports[(self.protocol, self.port)] = self

    def connect(self, task: "Task", address: bytes) -> int:
        """Only to the kernel, which is the default anyway."""
        if len(address) < SOCKADDR_NL.size:
            return -EINVAL
        number, port, _ = SOCKADDR_NL.unpack(address[: SOCKADDR_NL.size])
        if number == 0:
            return 0
        if number != AF_NETLINK:
            return -EINVAL
        if port:
            return -ECONNREFUSED
        self._autobind(task)
        return 0

    def local_address(self) -> bytes:
        return SOCKADDR_NL.pack(AF_NETLINK, self.port, self.groups)

    def peer_address(self) -> bytes | int:
        return SOCKADDR_NL.pack(AF_NETLINK, 0, 0)

    def release(self) -> None:
        if self.family.ports.get((self.protocol, self.port)) is self:
            del self.family.ports[(self.protocol, self.port)]
        self.replies.clear()

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Errors: −EOPNOTSUPP (MSG_OOB), −EINVAL (address), −ECONNREFUSED (not to the kernel), −EMSGSIZE, −ENOBUFS (answers are not
        read), −EFAULT."""
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        if address:
            if len(address) < SOCKADDR_NL.size:
                return -EINVAL
            number, port, _ = SOCKADDR_NL.unpack(address[: SOCKADDR_NL.size])
            if number != AF_NETLINK:
                return -EINVAL
            if port:
                return -ECONNREFUSED
        length = data.remaining
        if length > self.options.send_buffer - 32:
            return -EMSGSIZE
        if self.nr_queued > self.options.receive_buffer:
            return -ENOBUFS
        self._autobind(task)
        request = data.read(length) if length else b""
        if len(request) < length:
            return -EFAULT
        for reply in self._answer(task, request):
            self.replies.append(reply)
            self.nr_queued += len(reply)
            if self.nr_queued > self.options.receive_buffer:
                self.error = ENOBUFS
                break
        self.queue.wake(READABLE)
        return length

    def _answer(self, task: "Task", request: bytes) -> list[bytes]:
        if self.protocol == NETLINK_ROUTE:
            return route.answer(request, self.port, _rights(task), interfaces_of(task))
        return (
            diag.answer(request, self.port, task.ns.net.families, task.kernel.clock.monotonic_ns())
            if self.protocol == NETLINK_SOCK_DIAG
            else []
        )

    def receive(self, task: "Task", out: VmWriter, flags: int, received: Received) -> int:
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        received.is_complete = True
        if self.error:
            return -self.take_error()
        if not self.replies:
            return WOULD_BLOCK
        reply = self.replies[0]
        want = min(len(reply), out.remaining)
        copied = out.write(reply[:want]) if want else 0
        if not flags & MSG_PEEK:
            self.replies.popleft()
            self.nr_queued -= len(reply)
        if copied < want:
            return -EFAULT
        if len(reply) > want:
            received.flags |= MSG_TRUNC
        received.address = SOCKADDR_NL.pack(AF_NETLINK, 0, 0)
        return len(reply) if flags & MSG_TRUNC else want

    def deliver(self, data: bytes) -> None:
        """A message of the kernel that is no answer (mq_notify's SIGEV_THREAD)."""
        self.replies.append(data)
        self.nr_queued += len(data)
        self.queue.wake(READABLE)

    def poll(self) -> int:
        mask = POLL_ALWAYS
        if self.replies:
            mask |= READABLE
        return mask | 8 if self.error else mask

    def set_option(self, task: "Task", level: int, name: int, value: bytes) -> int:
        if level != SOL_NETLINK or (name not in _MEMBERSHIPS and name not in _SILENT):
            return -ENOPROTOOPT
        return 0 if len(value) >= 4 else -EINVAL

    def get_option(self, task: "Task", level: int, name: int) -> bytes | int:
        return -ENOPROTOOPT


def _rights(task: "Task") -> int:
    if may_change_loopback(task):
        return route.LOOPBACK
    return route.ADMIN if task.creds.has_in(task.ns.net.owner, CAP_NET_ADMIN) else route.NOBODY
