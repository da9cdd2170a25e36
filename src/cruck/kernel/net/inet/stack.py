# SPDX-License-Identifier: MPL-2.0
"""InetStack: what AF_INET and AF_INET6 share in one kernel: interfaces, ports, connections, counters, and the way outward if there is one.

Without an uplink nothing leaves: every destination but this machine is unreachable.
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import ENETUNREACH
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.decisions import Decisions
from cruck.kernel.net.inet.interface import Interface, loopback
from cruck.kernel.net.inet.ports import PortTable
from cruck.kernel.net.inet.tcp_table import TcpTable
from cruck.kernel.net.inet.uplink import Uplink

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.tcp import TcpSocket
    from cruck.kernel.net.inet.udp import Datagram, UdpSocket


class InetStack:
    tcp: TcpTable
    udp: PortTable
    udp_lite: PortTable
    ping: PortTable  # identifiers
    raw: PortTable  # protocols
    members: dict[bytes, int]  # multicast groups → how many sockets have joined
    tcp_sockets: "dict[TcpSocket, None]"  # all that are open, orphans and unaccepted ones included: /proc/net/tcp
    udp_sockets: "dict[UdpSocket, None]"
    nr_packets: int  # what `lo` carried: a send is a packet
    nr_bytes: int
    interfaces: list[Interface]  # by index − 1
    own_address: bytes  # beside the loopback ones, IPv4; b"": none
    own_address6: bytes  # the same of IPv6
    gateway: Uplink | None
    decisions: Decisions  # what the egress policy said

    def __init__(self) -> None:
        self.tcp = TcpTable()
        self.udp = PortTable()
        self.udp_lite = PortTable()
        self.ping = PortTable()
        self.raw = PortTable()
        self.members = {}
        self.tcp_sockets = {}
        self.udp_sockets = {}
        self.nr_packets = self.nr_bytes = 0
        self.interfaces = [loopback(True)]
        self.own_address = self.own_address6 = b""
        self.gateway = None
        self.decisions = Decisions()

    def count(self, length: int) -> None:
        self.nr_packets += 1
        self.nr_bytes += length

    # Addresses.
    def is_local(self, address: bytes) -> bool:
        """Is it one of this machine's?"""
        if addresses.is_loopback(address):
            return self.interfaces[0].is_up()
        return address != b"" and address in (self.own_address, self.own_address6)

    def source_for(self, address: bytes) -> bytes:
        """The address a socket gets that sends to `address` and has none."""
        own = self.own_address if addresses.is_v4(address) else self.own_address6
        return addresses.source_for(address) if not own or addresses.is_loopback(address) else own

    # Multicast.
    def join(self, group: bytes) -> None:
        self.members[group] = self.members.get(group, 0) + 1

    def leave(self, group: bytes) -> None:
        self.members[group] -= 1
        if not self.members[group]:
            del self.members[group]

    def has_members(self, group: bytes) -> bool:
        return group in self.members

    # Outward.
    def leads_outward(self, address: bytes) -> bool:
        return self.gateway is not None and self.gateway.leads_to(address)

    def note_unreachable(self, kernel: "Kernel", protocol: str, address: bytes, port: int) -> None:
        """A destination was refused because no network leaves: what would change that."""
        if self.gateway is None and addresses.is_v4(address) and not addresses.is_multicast(address) and not addresses.is_loopback(address):
            shown = addresses.text4(address)
            self.decisions.note(kernel, f"{protocol} {shown}:{port}", False, "no network leaves the sandbox", f"--net-allow {shown}:{port}")

    def check_leaving(self, kernel: "Kernel", protocol: str, address: bytes, port: int) -> None:
        """Errors: LinuxError(EPERM): the egress policy; LinuxError(ENETUNREACH)."""
        if self.gateway is None:
            raise LinuxError(ENETUNREACH)
        self.gateway.check(kernel, protocol, address, port)

    def connect_outward(self, socket: "TcpSocket") -> None:
        """A connection that was begun (SYN_SENT) and may leave. It succeeds or fails later."""
        assert self.gateway is not None, "check_leaving() has passed"
        self.gateway.connect(socket)

    def send_outward(self, socket: "UdpSocket", datagram: "Datagram") -> None:
        """A datagram that may leave. Lost without a word if the host does not take it."""
        assert self.gateway is not None, "check_leaving() has passed"
        self.gateway.send(socket, datagram)

    def forget_outward(self, socket: "UdpSocket") -> None:
        """The socket is closed."""
        if self.gateway is not None:
            self.gateway.forget(socket)
