# SPDX-License-Identifier: MPL-2.0
"""InetStack: what AF_INET and AF_INET6 share in one kernel: ports, connections, the counters of `lo`."""

from typing import TYPE_CHECKING

from cruck.kernel.net.inet.ports import PortTable
from cruck.kernel.net.inet.tcp_table import TcpTable

if TYPE_CHECKING:
    from cruck.kernel.net.inet.tcp import TcpSocket
    from cruck.kernel.net.inet.udp import UdpSocket


class InetStack:
    tcp: TcpTable
    udp: PortTable
    tcp_sockets: "dict[TcpSocket, None]"  # all that are open, orphans and unaccepted ones included: /proc/net/tcp
    udp_sockets: "dict[UdpSocket, None]"
    nr_packets: int  # what `lo` carried: a send is a packet
    nr_bytes: int

    def __init__(self) -> None:
        self.tcp = TcpTable()
        self.udp = PortTable()
        self.tcp_sockets = {}
        self.udp_sockets = {}
        self.nr_packets = self.nr_bytes = 0

    def count(self, length: int) -> None:
        self.nr_packets += 1
        self.nr_bytes += length
