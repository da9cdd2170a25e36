# SPDX-License-Identifier: MPL-2.0
"""SOCK_DGRAM and SOCK_SEQPACKET of AF_UNIX: messages, whole or not at all."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ECONNREFUSED, EFAULT, EMSGSIZE, ENOTCONN, EOPNOTSUPP, EPERM, EPIPE
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.net.socket import (
    MSG_DONTWAIT,
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    RECEIVING,
    SENDING,
    Ancillary,
    Received,
    Socket,
)
from cruck.kernel.net.unix import address as names
from cruck.kernel.net.unix.socket import CLOSED, CONNECTED, LISTENING, Packet, UnixSocket
from cruck.kernel.net.unix.stream import UNKNOWN_CREDENTIALS
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

MAX_QUEUED: Final = 10  # net.unix.max_dgram_qlen
AF_UNSPEC: Final = 0
O_NONBLOCK: Final = 0o4000


class DatagramSocket(UnixSocket):
    def is_connection_based(self) -> bool:
        return False

    def listen(self, task: "Task", backlog: int) -> int:
        return -EOPNOTSUPP

    def accept(self, task: "Task") -> Socket | int:
        return -EOPNOTSUPP

    def connect(self, task: "Task", address: bytes) -> int:
        """Sets the default destination; AF_UNSPEC takes it away. −EPERM: the other talks to somebody else only."""
        if int.from_bytes(address[:2], "little") == AF_UNSPEC:
            self.peer = None
            self.state = CLOSED
            self.queue.wake()
            return 0
        target = self.find(task, address)
        if target.is_dead:
            return -ECONNREFUSED
        if not self._may_send_to(target):
            return -EPERM
        self.peer = target
        self.state = CONNECTED
        self.queue.wake()
        return 0

    def _may_send_to(self, target: UnixSocket) -> bool:
        return target.peer is None or target.peer is self

    def _is_full(self, target: UnixSocket) -> bool:
        """Two that talk to each other only are bounded by what they send, others by the receiver's queue."""
        return target.peer is not self and target is not self and len(target.packets) > MAX_QUEUED

    def _is_peer_full(self) -> bool:
        peer = self.peer
        if peer is None or not self._is_full(peer):
            return False
        peer.throttled[self] = None
        return True

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Errors: −ENOTCONN (nobody to send to), −ECONNREFUSED, −EPERM, −EPIPE, −EMSGSIZE, −EFAULT, those of find()."""
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        target: UnixSocket | None = self.peer
        if address:
            target = self.find(task, address)
        elif target is None:
            return -EPIPE if self.shut_down & SENDING else -ENOTCONN
        if data.remaining > self.options.send_buffer - 32:
            return -EMSGSIZE
        if self.error:
            return -self.take_error()
        if self.shut_down & SENDING:
            return -EPIPE
        if target.is_dead:
            if target is self.peer:
                self._forget_peer()
            return -ECONNREFUSED
        if not self._may_send_to(target):
            return -EPERM
        if target.shut_down & RECEIVING:
            return -EPIPE
        if not self.has_send_room():
            return WOULD_BLOCK
        if self._is_full(target):
            target.throttled[self] = None
            return WOULD_BLOCK
        if self.options.pass_credentials and self.name == b"":
            self.name = self.family.autobind(self)
        length = data.remaining
        chunk = data.read(length) if length else b""
        if len(chunk) < length:
            return -EFAULT
        creds = self.creds_for(task, ancillary, target)
        target.deliver(Packet(chunk, self, self.take_files(ancillary, target), creds))
        return length

    def _forget_peer(self) -> None:
        self.peer = None
        self.state = CLOSED

    def receive(self, task: "Task", out: VmWriter, flags: int, received: Received) -> int:
        """The whole length of the message if MSG_TRUNC is given, else the bytes copied; received.flags has MSG_TRUNC if it did not fit."""
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        received.is_complete = True
        if not self.packets:
            if self.error:
                return -self.take_error()
            if self.shut_down & RECEIVING and not (self.flags & O_NONBLOCK or flags & MSG_DONTWAIT):
                return 0
            return self._nothing()
        packet = self.packets[0]
        length = len(packet.data)
        want = min(length, out.remaining)
        if want and out.write(packet.data[:want]) < want:
            if not flags & MSG_PEEK:
                self._take(packet)
                self.family.drop_files(packet.files)
            return -EFAULT
        if length > want:
            received.flags |= MSG_TRUNC
        received.address = names.sockaddr(packet.sender.name) if packet.sender.name else b""
        if self.options.pass_credentials:
            received.ancillary.creds = packet.creds if packet.creds is not None else UNKNOWN_CREDENTIALS
        if flags & MSG_PEEK:
            copies: list[File] = []
            for file in packet.files:
                copies.append(file.get())
            received.ancillary.files = copies
        else:
            received.ancillary.files = packet.files
            self._take(packet)
        return length if flags & MSG_TRUNC else want

    def _nothing(self) -> int:
        return WOULD_BLOCK

    def _take(self, packet: Packet) -> None:
        self.packets.popleft()
        self.nr_queued_bytes -= len(packet.data)
        self.files_left(len(packet.files))
        self.discharge(packet)
        self.wake_throttled()

    def nr_readable(self) -> int:
        """The next message's length, as Linux says."""
        return len(self.packets[0].data) if self.packets else 0

    def signals_broken_pipe(self) -> bool:
        return False


class SeqpacketSocket(DatagramSocket):
    """Messages over a connection."""

    def is_connection_based(self) -> bool:
        return True

    def make_embryo(self, task: "Task") -> UnixSocket:
        return SeqpacketSocket(self.family, task, self.type)

    def listen(self, task: "Task", backlog: int) -> int:
        return UnixSocket.listen(self, task, backlog)

    def accept(self, task: "Task") -> Socket | int:
        return UnixSocket.accept(self, task)

    def connect(self, task: "Task", address: bytes) -> int:
        return UnixSocket.connect(self, task, address)

    def nr_readable(self) -> int:
        return UnixSocket.nr_readable(self)

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        if self.state != CONNECTED:
            return -ENOTCONN
        # An address is ignored on a connected socket (unix_seqpacket_sendmsg).
        peer = self.peer
        if self.shut_down & SENDING or peer is None or peer.is_dead:
            return -EPIPE
        return DatagramSocket.send(self, task, data, flags, b"", ancillary)

    def receive(self, task: "Task", out: VmWriter, flags: int, received: Received) -> int:
        if self.state not in (CONNECTED, LISTENING):
            return -ENOTCONN
        return DatagramSocket.receive(self, task, out, flags, received)

    def _nothing(self) -> int:
        return 0 if self.shut_down & RECEIVING else WOULD_BLOCK
