# SPDX-License-Identifier: MPL-2.0
"""UnixSocket: what stream, datagram and seqpacket sockets of AF_UNIX share (unix(7), Linux net/unix/af_unix.c).

Names, pairs, connections, shutdown, readiness, and the account of what was sent. A message is a `Packet` in the receiver's `packets`; until
it is taken it is charged to its *sender*, whose SO_SNDBUF bounds it. Connections (listen, accept, connect) are here too because
streams and seqpackets have them; datagram.py overrides them for SOCK_DGRAM.

Not here: moving data (stream.py, datagram.py), cycles of sockets that are only in flight inside each other (garbage.py).
"""

from collections import deque
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import (
    ECONNREFUSED,
    ECONNRESET,
    EINVAL,
    EISCONN,
    ENOBUFS,
    ENOTCONN,
    EOPNOTSUPP,
    EPROTOTYPE,
    ETOOMANYREFS,
)
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.ledger import DESCRIPTOR
from cruck.kernel.net.socket import NO_CREDENTIALS, RECEIVING, SENDING, Ancillary, Socket
from cruck.kernel.net.unix import address as names
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.net.unix.family import UnixFamily
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.inode import Inode

AF_UNIX: Final = 1

# UnixSocket.state
CLOSED: Final = 0
CONNECTED: Final = 1
LISTENING: Final = 2

POLLIN: Final = 0x0001
POLLOUT: Final = 0x0004
POLLERR: Final = 0x0008
POLLHUP: Final = 0x0010
POLLRDNORM: Final = 0x0040
POLLWRNORM: Final = 0x0100
POLLWRBAND: Final = 0x0200
POLLRDHUP: Final = 0x2000
READABLE: Final = POLLIN | POLLRDNORM
WRITABLE: Final = POLLOUT | POLLWRNORM | POLLWRBAND
EVERYTHING: Final = READABLE | WRITABLE | POLLERR | POLLHUP | POLLRDHUP

# What a message costs on Linux (its truesize): struct sk_buff, the head rounded up to a kmalloc size with the shared info at its end,
# and whole pages for what does not fit into the head. Programs see it as the number of messages that fit into SO_SNDBUF.
SKB_BYTES: Final = 256
SHARED_INFO_BYTES: Final = 320
HEAD_MAX: Final = 3776  # of data: SKB_MAX_ALLOC
FRAGMENTS_MAX: Final = 32_768  # UNIX_SKB_FRAGS_SZ
LARGEST_CHARGE: Final = 1 << 18
UNDER_PRESSURE: Final = 8192  # unread bytes of a socket
# SCM_RIGHTS: unread messages may hold this many files (Linux: RLIMIT_NOFILE per user).
MAX_FILES_IN_FLIGHT: Final = 16_384
GARBAGE_RATIO: Final = 8  # garbage is looked for when one in so many sockets has been closed


class Packet:
    data: bytes
    start: int  # streams: bytes before it have been taken
    sender: "UnixSocket"
    charge: int  # bytes on the sender's account
    files: list[File]  # SCM_RIGHTS, each with a reference
    creds: tuple[int, int, int] | None  # (pid, uid, gid) if either side asked for it when it was sent

    def __init__(self, data: bytes, sender: "UnixSocket", files: list[File], creds: tuple[int, int, int] | None) -> None:
        self.data = data
        self.start = 0
        self.sender = sender
        self.charge = truesize(len(data))
        self.files = files
        self.creds = creds


class UnixSocket(Socket):
    family: "UnixFamily"
    name: bytes  # as in address.py
    bound_inode: "Inode | None"  # of a pathname
    state: int
    is_dead: bool  # closed; others may still point here
    peer: "UnixSocket | None"
    packets: deque[Packet]  # received and not taken, oldest first
    nr_queued_bytes: int  # in packets
    nr_queued_files: int
    nr_unread_bytes: int  # charged for what this socket sent and nobody has taken
    pending: "deque[UnixSocket]"  # of a listener: connected, waiting for accept
    backlog: int
    throttled: "dict[UnixSocket, None]"  # whose connect or send waits for room here
    owner_creds: tuple[int, int, int]  # of whoever made it, listened on it or connected it: the peer's SO_PEERCRED
    owner_groups: tuple[int, ...]
    peer_creds: tuple[int, int, int]
    peer_group_ids: tuple[int, ...] | None

    def __init__(self, family: "UnixFamily", task: "Task", kind: int) -> None:
        super().__init__(task.kernel, AF_UNIX, kind, 0, task.creds.fsuid, task.creds.fsgid)
        self.family = family
        self.name = b""
        self.bound_inode = None
        self.state = CLOSED
        self.is_dead = False
        self.peer = None
        self.packets = deque()
        self.nr_queued_bytes = self.nr_queued_files = self.nr_unread_bytes = 0
        self.pending = deque()
        self.backlog = 0
        self.throttled = {}
        self.owner_creds = credentials_of(task)
        self.owner_groups = task.creds.groups
        self.peer_creds = NO_CREDENTIALS
        self.peer_group_ids = None
        family.sockets[self] = None

    # Names.
    def bind(self, task: "Task", address: bytes) -> int:
        name = names.parse(address)
        if name == b"":
            if self.name == b"":
                self.name = self.family.autobind(self)
            return 0
        if self.name != b"":
            return -EINVAL
        if names.is_pathname(name):
            inode = names.make_name(task, name, self.socket_inode.mode)
            inode.socket = self
            self.bound_inode = inode
        else:
            self.family.bind_abstract(self, name)
        self.name = name
        return 0

    def find(self, task: "Task", address: bytes) -> "UnixSocket":
        """Whom a sockaddr means. Errors: LinuxError(ECONNREFUSED, EPROTOTYPE, EINVAL, …)."""
        name = names.parse(address)
        if name == b"":
            raise LinuxError(EINVAL)
        if names.is_pathname(name):
            found = names.find_socket(task, name)
        else:
            other = self.family.abstract.get(name)
            if other is None:
                raise LinuxError(ECONNREFUSED)
            found = other
        if found.type != self.type:
            raise LinuxError(EPROTOTYPE)
        return found

    def local_address(self) -> bytes:
        return names.sockaddr(self.name)

    def peer_address(self) -> bytes | int:
        return names.sockaddr(self.peer.name) if self.peer is not None else -ENOTCONN

    # Connections.
    def is_connection_based(self) -> bool:
        return True

    def is_listening(self) -> bool:
        return self.state == LISTENING

    def listen(self, task: "Task", backlog: int) -> int:
        if self.name == b"" or self.state == CONNECTED:
            return -EINVAL
        if backlog > self.backlog:
            self.wake_throttled()
        self.backlog = backlog
        self.state = LISTENING
        self.owner_creds = credentials_of(task)
        self.owner_groups = task.creds.groups
        return 0

    def connect(self, task: "Task", address: bytes) -> int:
        """WOULD_BLOCK when the listener's backlog is full."""
        listener = self.find(task, address)
        if listener.is_dead or listener.state != LISTENING or listener.shut_down & RECEIVING:
            return -ECONNREFUSED
        if len(listener.pending) > listener.backlog:
            listener.throttled[self] = None
            return WOULD_BLOCK
        # Only now, as on Linux: a connected socket too waits for a full backlog.
        if self.state == CONNECTED:
            return -EISCONN
        if self.state == LISTENING:
            return -EINVAL
        if self.options.pass_credentials and self.name == b"":
            self.name = self.family.autobind(self)
        embryo = self.make_embryo(task)
        embryo.name = listener.name  # shown by getsockname; the name itself stays the listener's
        embryo.peer = self
        self.peer = embryo
        self.state = embryo.state = CONNECTED
        embryo.peer_creds = credentials_of(task)
        embryo.peer_group_ids = task.creds.groups
        self.peer_creds = listener.owner_creds
        self.peer_group_ids = listener.owner_groups
        listener.pending.append(embryo)
        listener.queue.wake(READABLE)
        self.queue.wake(WRITABLE)
        return 0

    def make_embryo(self, task: "Task") -> "UnixSocket":
        """The server's end of a new connection: a socket of the same kind."""
        raise NotImplementedError

    def accept(self, task: "Task") -> Socket | int:
        if self.state != LISTENING:
            return -EINVAL
        if not self.pending:
            return -EINVAL if self.shut_down & RECEIVING else WOULD_BLOCK
        embryo = self.pending.popleft()
        embryo.options.pass_credentials = self.options.pass_credentials
        self.wake_throttled()
        return embryo

    def join(self, other: "UnixSocket") -> None:
        """socketpair."""
        self.peer = other
        other.peer = self
        self.peer_creds = other.owner_creds
        other.peer_creds = self.owner_creds
        self.peer_group_ids = other.owner_groups
        other.peer_group_ids = self.owner_groups
        if self.is_connection_based():
            self.state = other.state = CONNECTED

    def peer_credentials(self) -> tuple[int, int, int]:
        return self.owner_creds if self.state == LISTENING else self.peer_creds

    def peer_groups(self) -> tuple[int, ...] | None:
        return self.peer_group_ids

    def shutdown(self, how: int) -> int:
        mask = how + 1
        self.shut_down |= mask
        peer = self.peer
        if peer is not None and self.is_connection_based():
            if mask & RECEIVING:
                peer.shut_down |= SENDING
            if mask & SENDING:
                peer.shut_down |= RECEIVING
            peer.queue.wake(EVERYTHING)
        self.queue.wake(EVERYTHING)
        return 0

    def put(self) -> None:
        super().put()
        family = self.family
        if family.may_hold_cycles:
            # A search looks at every socket: not at each of many that close.
            family.nr_closed += 1
            if family.nr_closed * GARBAGE_RATIO < len(family.sockets):
                return
            family.nr_closed = 0
            from cruck.kernel.net.unix.garbage import collect

            collect(family)

    def release(self) -> None:
        self.is_dead = True
        self.family.sockets.pop(self, None)
        if self.bound_inode is not None:
            if self.bound_inode.socket is self:
                self.bound_inode.socket = None
        elif self.family.abstract.get(self.name) is self:
            del self.family.abstract[self.name]
        self._leave_peer(False)
        while self.pending:
            self.pending.popleft().release_embryo()
        self.state = CLOSED
        self.shut_down = RECEIVING | SENDING
        files: list[File] = []
        while self.packets:
            packet = self.packets.popleft()
            self.discharge(packet)
            files += packet.files
        self.nr_queued_bytes = 0
        self.files_left(len(files))
        self.wake_throttled()
        self.family.drop_files(files)

    def release_embryo(self) -> None:
        """A connection nobody accepted."""
        self._leave_peer(True)
        self.release()

    def _leave_peer(self, is_embryo: bool) -> None:
        peer = self.peer
        if peer is None:
            return
        self.peer = None
        if self.is_connection_based():
            peer.shut_down = RECEIVING | SENDING
            if self.packets or is_embryo:
                peer.error = ECONNRESET
            peer.queue.wake(EVERYTHING)

    # The account of what was sent.
    def is_writable_now(self) -> bool:
        return self.nr_unread_bytes * 4 <= self.options.send_buffer

    def has_send_room(self) -> bool:
        """May one more message go on the account? Errors: LinuxError(ENOBUFS): kernel memory."""
        ledger = self.kernel.ledger
        if ledger.is_pressed():
            if not ledger.has_room(LARGEST_CHARGE):
                raise LinuxError(ENOBUFS, "kernel memory")
            if self.nr_unread_bytes >= UNDER_PRESSURE:
                return False
        return self.nr_unread_bytes < self.options.send_buffer

    def deliver(self, packet: Packet) -> None:
        """A message arrives here."""
        packet.sender.nr_unread_bytes += packet.charge
        self.kernel.ledger.used += packet.charge
        self.packets.append(packet)
        self.nr_queued_bytes += len(packet.data)
        self.files_left(-len(packet.files))
        self.queue.wake(READABLE)

    def discharge(self, packet: Packet) -> None:
        """The message is off the sender's account."""
        sender = packet.sender
        sender.nr_unread_bytes -= packet.charge
        self.kernel.ledger.used -= packet.charge
        packet.charge = 0
        if not sender.is_dead and sender.is_writable_now():
            sender.queue.wake(WRITABLE)

    def files_left(self, count: int) -> None:
        """So many files are no longer in messages to this socket (negative: are now)."""
        self.nr_queued_files -= count
        self.family.nr_in_flight -= count
        self.kernel.ledger.used -= count * DESCRIPTOR

    def wake_throttled(self) -> None:
        if self.throttled:
            waiting = self.throttled
            self.throttled = {}
            for socket in waiting:
                socket.queue.wake(WRITABLE)

    def take_files(self, ancillary: Ancillary, target: "UnixSocket") -> list[File]:
        """The files of a message to `target`, which owns them now. Errors: LinuxError(ETOOMANYREFS)."""
        files = ancillary.files
        if files and (
            self.family.nr_in_flight + len(files) > MAX_FILES_IN_FLIGHT or not self.kernel.ledger.has_room(len(files) * DESCRIPTOR)
        ):
            raise LinuxError(ETOOMANYREFS)
        ancillary.files = []
        for file in files:
            if isinstance(file, UnixSocket):
                self.family.may_hold_cycles = True
        return files

    def creds_for(self, task: "Task", ancillary: Ancillary, target: "UnixSocket") -> tuple[int, int, int] | None:
        """What SCM_CREDENTIALS will say of a message: given, or attached because one of the two asked for it."""
        if ancillary.creds is not None:
            return ancillary.creds
        if self.options.pass_credentials or target.options.pass_credentials:
            return credentials_of(task)
        return None

    # Readiness.
    def poll(self) -> int:
        mask = 0
        if self.error:
            mask = POLLERR
        if self.shut_down == RECEIVING | SENDING:
            mask |= POLLHUP
        if self.shut_down & RECEIVING:
            mask |= POLLRDHUP | READABLE
        if self.packets or self.pending:
            mask |= READABLE
        if self.is_connection_based() and self.state == CLOSED:
            mask |= POLLHUP
        if self.state != LISTENING and self.is_writable_now() and not self._is_peer_full():
            mask |= WRITABLE
        return mask

    def _is_peer_full(self) -> bool:
        return False

    def nr_readable(self) -> int:
        return -EINVAL if self.state == LISTENING else self.nr_queued_bytes

    def nr_unsent(self) -> int:
        return self.nr_unread_bytes

    def get_option(self, task: "Task", level: int, name: int) -> bytes | int:
        return -EOPNOTSUPP

    def set_option(self, task: "Task", level: int, name: int, value: bytes) -> int:
        return -EOPNOTSUPP


def truesize(length: int) -> int:
    """What a message of `length` bytes is charged."""
    fragments = 0
    if length > HEAD_MAX:
        fragments = min(length - HEAD_MAX + 4095 & ~4095, FRAGMENTS_MAX)
        length = max(0, length - fragments)
    head = 512
    while head < length + SHARED_INFO_BYTES:
        head *= 2
    return SKB_BYTES + head + fragments


def credentials_of(task: "Task") -> tuple[int, int, int]:
    return (task.process.pid, task.creds.euid, task.creds.egid)
