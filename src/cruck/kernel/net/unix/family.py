# SPDX-License-Identifier: MPL-2.0
"""UnixFamily: AF_UNIX in one kernel: makes sockets, keeps the abstract names."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EADDRINUSE, ENOSPC, EPROTONOSUPPORT, ESOCKTNOSUPPORT
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.address_family import AddressFamily
from cruck.kernel.net.socket import Socket

if TYPE_CHECKING:
    from cruck.kernel.net.unix.socket import UnixSocket
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File

AF_UNIX: Final = 1
SOCK_STREAM: Final = 1
SOCK_DGRAM: Final = 2
SOCK_RAW: Final = 3
SOCK_SEQPACKET: Final = 5
NR_AUTOBIND_NAMES: Final = 1 << 20


class UnixFamily(AddressFamily):
    abstract: "dict[bytes, UnixSocket]"  # by name, with its leading NUL
    sockets: "dict[UnixSocket, None]"  # all that are open: /proc/net/unix
    next_autobind: int
    may_hold_cycles: bool  # a socket was sent and may be in flight: garbage.py
    nr_closed: int  # sockets, since garbage was last looked for
    nr_in_flight: int  # files in unread messages
    dropped: "list[File]"  # of messages nobody will read; to be put
    is_dropping: bool

    def __init__(self) -> None:
        self.number = AF_UNIX
        self.abstract = {}
        self.sockets = {}
        self.next_autobind = 0
        self.may_hold_cycles = False
        self.nr_closed = 0
        self.nr_in_flight = 0
        self.dropped = []
        self.is_dropping = False

    def drop_files(self, files: "list[File]") -> None:
        """Puts the files of messages nobody will read. One of them may be a socket with such messages, and so on, thousands deep:
        no recursion."""
        self.dropped += files
        if self.is_dropping:
            return
        self.is_dropping = True
        try:
            while self.dropped:
                self.dropped.pop().put()
        finally:
            self.is_dropping = False

    def create(self, task: "Task", kind: int, protocol: int) -> Socket:
        return self._create(task, kind, protocol)

    def _create(self, task: "Task", kind: int, protocol: int) -> "UnixSocket":
        from cruck.kernel.net.unix.datagram import DatagramSocket, SeqpacketSocket
        from cruck.kernel.net.unix.stream import StreamSocket

        if protocol not in (0, AF_UNIX):
            raise LinuxError(EPROTONOSUPPORT)
        if kind == SOCK_STREAM:
            return StreamSocket(self, task, SOCK_STREAM)
        if kind in (SOCK_DGRAM, SOCK_RAW):  # Linux: "believe it or not BSD has AF_UNIX, SOCK_RAW"
            return DatagramSocket(self, task, SOCK_DGRAM)
        if kind == SOCK_SEQPACKET:
            return SeqpacketSocket(self, task, SOCK_SEQPACKET)
        raise LinuxError(ESOCKTNOSUPPORT)

    def create_pair(self, task: "Task", kind: int, protocol: int) -> tuple[Socket, Socket]:
        first = self._create(task, kind, protocol)
        second = self._create(task, kind, protocol)
        first.join(second)
        return first, second

    def bind_abstract(self, socket: "UnixSocket", name: bytes) -> None:
        """Errors: LinuxError(EADDRINUSE)."""
        if name in self.abstract:
            raise LinuxError(EADDRINUSE)
        self.abstract[name] = socket

    def autobind(self, socket: "UnixSocket") -> bytes:
        """Binds to a free name of five hexadecimal digits. Errors: LinuxError(ENOSPC)."""
        for _ in range(NR_AUTOBIND_NAMES):
            name = b"\0%05x" % self.next_autobind
            self.next_autobind = (self.next_autobind + 1) % NR_AUTOBIND_NAMES
            if name not in self.abstract:
                self.abstract[name] = socket
                return name
        raise LinuxError(ENOSPC)
