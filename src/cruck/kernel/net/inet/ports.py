# SPDX-License-Identifier: MPL-2.0
"""The ports of one protocol: who is bound to which, who may share one, and which is given to a socket that has none.

`PortTable` is UDP's and the base of TCP's (tcp_table.py). The rules of sharing are the sockets' (`InetSocket.conflicts_with`).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EADDRINUSE
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.kernel.net.inet.socket import InetSocket

FIRST_EPHEMERAL: Final = 32_768  # net.ipv4.ip_local_port_range
LAST_EPHEMERAL: Final = 60_999
NR_EPHEMERAL: Final = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1


class PortTable:
    bound: "dict[int, dict[InetSocket, None]]"  # by port, in order of binding
    next_offset: int  # into the ephemeral ports; −1: not yet chosen

    def __init__(self) -> None:
        self.bound = {}
        self.next_offset = -1

    def add(self, socket: "InetSocket", port: int) -> None:
        self.bound.setdefault(port, {})[socket] = None
        socket.port = port

    def remove(self, socket: "InetSocket") -> None:
        """No error if it is not bound."""
        sockets = self.bound.get(socket.port)
        if sockets is not None and socket in sockets:
            del sockets[socket]
            if not sockets:
                del self.bound[socket.port]

    def at(self, port: int) -> "list[InetSocket]":
        sockets = self.bound.get(port)
        return list(sockets) if sockets is not None else []

    def is_in_conflict(self, socket: "InetSocket", address: bytes, port: int) -> bool:
        return any(other is not socket and socket.conflicts_with(other, address) for other in self.bound.get(port, ()))

    def is_empty(self, port: int, now_ns: int) -> bool:
        """Is nobody there, not even somebody one could share it with?"""
        return port not in self.bound

    def start(self, socket: "InetSocket") -> int:
        """An offset into the ephemeral ports to begin a search at: moving, so that ports are not used again at once."""
        if self.next_offset < 0:
            self.next_offset = int.from_bytes(socket.kernel.entropy.random_bytes(2), "little") % NR_EPHEMERAL
        self.next_offset = (self.next_offset + 1) % NR_EPHEMERAL
        return self.next_offset

    def choose(self, socket: "InetSocket") -> int:
        """A free ephemeral port. Errors: LinuxError(EADDRINUSE): none."""
        start = self.start(socket)
        now_ns = socket.kernel.clock.monotonic_ns()
        for step in range(NR_EPHEMERAL):
            port = FIRST_EPHEMERAL + (start + step) % NR_EPHEMERAL
            if self.is_empty(port, now_ns):
                self.next_offset = port - FIRST_EPHEMERAL
                return port
        raise LinuxError(EADDRINUSE)
