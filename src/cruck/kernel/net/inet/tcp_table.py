# SPDX-License-Identifier: MPL-2.0
"""TcpTable: TCP's ports, its connections by their four numbers, and TIME_WAIT.

A connection's end that closed first stays here for TIME_WAIT_NS as bind(2) and connect(2) see it: no timers, old entries are
dropped when the table is looked at.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EADDRNOTAVAIL
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.ports import FIRST_EPHEMERAL, NR_EPHEMERAL, PortTable

if TYPE_CHECKING:
    from cruck.kernel.net.inet.socket import InetSocket
    from cruck.kernel.net.inet.tcp import TcpSocket

TIME_WAIT_NS: Final = 60_000_000_000
# net.ipv4.tcp_tw_reuse = 2: on loopback, connect may take the four numbers again after a second.
REUSE_NS: Final = 1_000_000_000
MAX_TIME_WAIT: Final = 16_384  # net.ipv4.tcp_max_tw_buckets
MEMORY_PRESSURE: Final = 64 << 20  # bytes in all receive queues; beyond, each may hold little

Four = tuple[bytes, int, bytes, int]  # local address and port, peer's address and port


class TimeWait:
    four: Four
    since_ns: int
    v6_only: bool
    reuse_address: bool
    reuse_port: bool
    uid: int
    domain: int

    def __init__(self, socket: "TcpSocket", now_ns: int) -> None:
        self.four = socket.four()
        self.since_ns = now_ns
        self.v6_only = socket.ip.v6_only
        self.reuse_address = socket.options.reuse_address
        self.reuse_port = socket.options.reuse_port
        self.uid = socket.socket_inode.uid
        self.domain = socket.domain


class TcpTable(PortTable):
    connections: "dict[Four, TcpSocket]"
    listeners: "dict[int, dict[TcpSocket, None]]"  # by port: a busy server's port is bound to thousands of connections too
    time_wait: dict[Four, TimeWait]  # oldest first
    time_wait_by_port: dict[int, dict[Four, TimeWait]]
    nr_bytes: int  # in all receive queues

    def __init__(self) -> None:
        super().__init__()
        self.connections = {}
        self.listeners = {}
        self.time_wait = {}
        self.time_wait_by_port = {}
        self.nr_bytes = 0

    # TIME_WAIT.
    def begin_time_wait(self, socket: "TcpSocket") -> None:
        now_ns = socket.kernel.clock.monotonic_ns()
        self.expire(now_ns)
        entry = TimeWait(socket, now_ns)
        self.end_time_wait(entry.four)
        self.time_wait[entry.four] = entry
        self.time_wait_by_port.setdefault(entry.four[1], {})[entry.four] = entry
        if len(self.time_wait) > MAX_TIME_WAIT:
            self.end_time_wait(next(iter(self.time_wait)))

    def end_time_wait(self, four: Four) -> None:
        """No error if absent."""
        if self.time_wait.pop(four, None) is not None:
            entries = self.time_wait_by_port[four[1]]
            del entries[four]
            if not entries:
                del self.time_wait_by_port[four[1]]

    def expire(self, now_ns: int) -> None:
        while self.time_wait:
            four = next(iter(self.time_wait))
            if now_ns - self.time_wait[four].since_ns < TIME_WAIT_NS:
                return
            self.end_time_wait(four)

    # Ports.
    def is_empty(self, port: int, now_ns: int) -> bool:
        return port not in self.bound and port not in self.time_wait_by_port

    def is_in_conflict(self, socket: "InetSocket", address: bytes, port: int) -> bool:
        self.expire(socket.kernel.clock.monotonic_ns())
        if super().is_in_conflict(socket, address, port):
            return True
        options = socket.options
        for entry in self.time_wait_by_port.get(port, {}).values():
            if (
                addresses.overlap(address, socket.ip.v6_only, entry.four[0], entry.v6_only)
                and not (options.reuse_address and entry.reuse_address)
                and not (options.reuse_port and entry.reuse_port)
            ):
                return True
        return False

    def is_taken(self, four: Four, now_ns: int) -> bool:
        if four in self.connections:
            return True
        entry = self.time_wait.get(four)
        return entry is not None and now_ns - entry.since_ns < REUSE_NS

    def choose_for(self, socket: "TcpSocket", local: bytes, peer: bytes, peer_port: int) -> int:
        """A port for a connection to (peer, peer_port): others may have it for other destinations, as long as nobody bound to it.
        Errors: LinuxError(EADDRNOTAVAIL): none."""
        start = self.start(socket)
        now_ns = socket.kernel.clock.monotonic_ns()
        self.expire(now_ns)
        for step in range(NR_EPHEMERAL):
            port = FIRST_EPHEMERAL + (start + step) % NR_EPHEMERAL
            if self._may_connect_from(port) and not self.is_taken((local, port, peer, peer_port), now_ns):
                self.next_offset = port - FIRST_EPHEMERAL
                return port
        raise LinuxError(EADDRNOTAVAIL)

    def _may_connect_from(self, port: int) -> bool:
        return all(other.is_auto_port for other in self.bound.get(port, ()))

    def find_listener(self, address: bytes, port: int, peer_port: int) -> "TcpSocket | None":
        """Who accepts connections there; among equals (SO_REUSEPORT) the peer's port decides."""
        best = 0
        found: list[TcpSocket] = []
        for socket in self.listeners.get(port, ()):
            score = addresses.covers(socket.address, socket.ip.v6_only, address)
            if score > best:
                best = score
                found = []
            if score and score == best:
                found.append(socket)
        return found[peer_port % len(found)] if found else None

    def begin_listening(self, socket: "TcpSocket") -> None:
        self.listeners.setdefault(socket.port, {})[socket] = None

    def stop_listening(self, socket: "TcpSocket") -> None:
        """No error if it does not listen."""
        listeners = self.listeners.get(socket.port)
        if listeners is not None and listeners.pop(socket, self) is None and not listeners:
            del self.listeners[socket.port]
