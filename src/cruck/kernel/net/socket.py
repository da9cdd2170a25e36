# SPDX-License-Identifier: MPL-2.0
"""Socket: the base class of all sockets, with refusing defaults; what socket(2) and its family of calls know (Linux: struct socket).

An address family (net/<family>/) subclasses it. Addresses are `struct sockaddr` bytes, which only the family reads. Like every File, a
socket never waits: WOULD_BLOCK, and `wait_queue()` is woken when asking again is worth while.

`Ancillary` is what goes along with the data of a message in either direction: files, credentials.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, EINVAL, ENOPROTOOPT, ENOTCONN, ENOTTY, EOPNOTSUPP
from cruck.abi.fcntl import O_RDWR
from cruck.abi.ioctls import FIOGETOWN, FIOSETOWN, SIOCATMARK, SIOCGPGRP, SIOCSPGRP
from cruck.abi.stat import S_IFSOCK
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.ipc.ioctl import ioctl_count
from cruck.kernel.net.ioctl import interface_ioctl
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.anon_inode import AnonInode
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.file_owner import owner_number, set_owner_number
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path

MSG_OOB: Final = 0x1
MSG_PEEK: Final = 0x2
MSG_TRUNC: Final = 0x20
MSG_DONTWAIT: Final = 0x40
MSG_WAITALL: Final = 0x100

SHUT_RD: Final = 0
SHUT_WR: Final = 1
SHUT_RDWR: Final = 2
# Socket.shut_down
RECEIVING: Final = 1
SENDING: Final = 2

# net.core.wmem_default and its kin
DEFAULT_BUFFER: Final = 212_992

NO_CREDENTIALS: Final = (0, -1, -1)


class Ancillary:
    files: list[File]  # SCM_RIGHTS, each with a reference
    creds: tuple[int, int, int] | None  # SCM_CREDENTIALS: (pid, uid, gid)
    messages: list[tuple[int, int, bytes]]  # of a protocol's level: (level, type, data)

    def __init__(self) -> None:
        self.files = []
        self.creds = None
        self.messages = []

    def drop(self) -> None:
        """Gives the references back."""
        files = self.files
        self.files = []
        for file in files:
            file.put()


class Received:
    """What a receive says beside its bytes."""

    address: bytes  # the sender's sockaddr; b"" if there is none to tell
    flags: int  # MSG_TRUNC, MSG_EOR, …
    ancillary: Ancillary
    is_complete: bool  # MSG_WAITALL shall not wait for more: end of file, a message with files, …

    def __init__(self) -> None:
        self.address = b""
        self.flags = 0
        self.ancillary = Ancillary()
        self.is_complete = False


class SocketOptions:
    """SOL_SOCKET options that only store a value; `send_buffer` and `receive_buffer` are bytes as getsockopt shows them (doubled)."""

    def __init__(self) -> None:
        self.send_buffer = DEFAULT_BUFFER
        self.receive_buffer = DEFAULT_BUFFER
        self.receive_timeout_ns = -1
        self.send_timeout_ns = -1
        self.receive_low_water = 1
        self.linger_seconds = -1  # −1: off
        self.reuse_address = False
        self.reuse_port = False
        self.keep_alive = False
        self.broadcast = False
        self.dont_route = False
        self.oob_inline = False
        self.timestamps = 0  # the SO_TIMESTAMP* that is on
        self.shows_drops = False  # SO_RXQ_OVFL
        self.device = b""  # SO_BINDTODEVICE
        self.numbers: dict[int, int] = {}  # options that are only kept, by name
        self.priority = 0
        self.mark = 0
        self.pass_credentials = False
        self.pass_security = False
        self.peek_offset = -1

    def copy(self) -> "SocketOptions":
        """What an accepted socket inherits from its listener: all of them."""
        other = SocketOptions()
        other.send_buffer = self.send_buffer
        other.receive_buffer = self.receive_buffer
        other.receive_timeout_ns = self.receive_timeout_ns
        other.send_timeout_ns = self.send_timeout_ns
        other.receive_low_water = self.receive_low_water
        other.linger_seconds = self.linger_seconds
        other.reuse_address = self.reuse_address
        other.reuse_port = self.reuse_port
        other.keep_alive = self.keep_alive
        other.broadcast = self.broadcast
        other.dont_route = self.dont_route
        other.oob_inline = self.oob_inline
        other.timestamps = self.timestamps
        other.shows_drops = self.shows_drops
        other.device = self.device
        other.numbers = dict(self.numbers)
        other.priority = self.priority
        other.mark = self.mark
        other.pass_credentials = self.pass_credentials
        other.pass_security = self.pass_security
        other.peek_offset = self.peek_offset
        return other


class Socket(File):
    kernel: "Kernel"
    domain: int  # AF_*
    type: int  # SOCK_STREAM, …
    protocol: int
    options: SocketOptions
    shut_down: int  # RECEIVING | SENDING: directions that are closed
    error: int  # SO_ERROR: reported once
    queue: WaitQueue
    socket_inode: AnonInode

    def __init__(self, kernel: "Kernel", domain: int, kind: int, protocol: int, uid: int, gid: int) -> None:
        super().__init__(O_RDWR)
        self.kernel = kernel
        self.domain = domain
        self.type = kind
        self.protocol = protocol
        self.options = SocketOptions()
        self.shut_down = 0
        self.error = 0
        self.queue = WaitQueue()
        self.socket_inode = AnonInode(kernel.anon.sockfs, kernel.next_ino(), S_IFSOCK | 0o777, uid, gid, kernel.clock.realtime_ns())

    # What a family implements. `address` is sockaddr bytes, at least 2 of them. Refusals: −errno or LinuxError.
    def bind(self, task: "Task", address: bytes) -> int:
        return -EOPNOTSUPP

    def listen(self, task: "Task", backlog: int) -> int:
        """backlog ≥ 0 and not above somaxconn."""
        return -EOPNOTSUPP

    def accept(self, task: "Task") -> "Socket | int":
        """A connected socket, −errno or WOULD_BLOCK (POLLIN will tell)."""
        return -EOPNOTSUPP

    def connect(self, task: "Task", address: bytes) -> int:
        """0, −errno or WOULD_BLOCK (POLLOUT will tell; the call is made again). A socket that is to be non-blocking answers
        −EINPROGRESS itself if it goes on in the background."""
        return -EOPNOTSUPP

    def connect_timed_out(self) -> int:
        """What connect answers when SO_SNDTIMEO has passed."""
        return -EAGAIN

    def shutdown(self, how: int) -> int:
        """how: SHUT_RD, SHUT_WR or SHUT_RDWR."""
        return -EOPNOTSUPP

    def local_address(self) -> bytes:
        """getsockname: a sockaddr."""
        raise NotImplementedError

    def peer_address(self) -> bytes | int:
        """getpeername: a sockaddr or −errno."""
        return -ENOTCONN

    def accepted_address(self) -> bytes | int:
        """What accept(2) tells: the peer's sockaddr, even if it has left already."""
        return self.peer_address()

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Bytes, −errno or WOULD_BLOCK (POLLOUT will tell). Takes the files out of `ancillary` if it sends them. `address` is b"" for
        none. A stream may take a part of the data."""
        return -EOPNOTSUPP

    def receive(self, task: "Task", out: VmWriter, flags: int, received: Received) -> int:
        """Bytes, −errno or WOULD_BLOCK (POLLIN will tell)."""
        return -EOPNOTSUPP

    def is_stream(self) -> bool:
        """Does a blocking send go on until all is sent, and does MSG_WAITALL mean anything?"""
        return False

    def signals_broken_pipe(self) -> bool:
        """Is −EPIPE of a send accompanied by SIGPIPE?"""
        return self.is_stream()

    def is_listening(self) -> bool:
        return False

    def has_timestamps(self) -> bool:
        """Does it tell when datagrams came (SO_TIMESTAMP)?"""
        return False

    def peer_credentials(self) -> tuple[int, int, int]:
        """SO_PEERCRED: (pid, uid, gid)."""
        return NO_CREDENTIALS

    def peer_groups(self) -> tuple[int, ...] | None:
        """SO_PEERGROUPS; None: no peer (−ENODATA)."""
        return None

    def set_option(self, task: "Task", level: int, name: int, value: bytes) -> int:
        """setsockopt for levels other than SOL_SOCKET."""
        return -ENOPROTOOPT if level else -EOPNOTSUPP

    def get_option(self, task: "Task", level: int, name: int) -> bytes | int:
        """getsockopt for levels other than SOL_SOCKET."""
        return -EOPNOTSUPP

    def nr_readable(self) -> int:
        """FIONREAD: bytes, −errno."""
        return -EINVAL

    def nr_unsent(self) -> int:
        """TIOCOUTQ: bytes that were sent and not yet taken by the other side."""
        return -1

    def is_at_mark(self) -> int:
        """SIOCATMARK: 1, 0 or −errno."""
        return -ENOTTY

    # The rest is common.
    def take_error(self) -> int:
        """SO_ERROR: the error, which is then forgotten."""
        error = self.error
        self.error = 0
        return error

    def read(self, out: VmWriter, offset: int) -> int:
        task = self.kernel.current
        assert task is not None, "read by a system call"
        received = Received()
        count = self.receive(task, out, 0, received)
        received.ancillary.drop()  # read(2) takes no files
        return count

    def write(self, data: VmReader, offset: int) -> int:
        task = self.kernel.current
        assert task is not None, "written by a system call"
        return self.send(task, data, 0, b"", Ancillary())

    def wait_queue(self) -> WaitQueue | None:
        return self.queue

    def read_timeout_ns(self) -> int:
        return self.options.receive_timeout_ns

    def write_timeout_ns(self) -> int:
        return self.options.send_timeout_ns

    def supports_async(self) -> bool:
        return True

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        if command == SIOCATMARK:
            mark = self.is_at_mark()
            if mark >= 0:
                task.user.write_u32(argument, mark)
            return min(mark, 0)
        if command in (FIOSETOWN, SIOCSPGRP):
            return set_owner_number(task, self, task.user.read_s32(argument))
        if command in (FIOGETOWN, SIOCGPGRP):
            task.user.write_u32(argument, owner_number(task, self))
            return 0
        nr_readable = self.nr_readable()
        if command == 0x541B and nr_readable < 0:  # FIONREAD
            return nr_readable
        result = ioctl_count(task, command, argument, nr_readable, self.nr_unsent())
        return interface_ioctl(task, command, argument) if result == -ENOTTY else result

    def inode(self) -> Inode | None:
        return self.socket_inode

    def link_path(self) -> "Path | None":
        return self.socket_inode.make_path(self.describe().encode())

    def describe(self) -> str:
        return f"socket:[{self.socket_inode.ino}]"
