# SPDX-License-Identifier: MPL-2.0
"""Node: one kernel's place in a Network: its interface, its connections and datagrams with the other kernels there."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENETUNREACH
from cruck.abi.inet import IPPROTO_TCP, IPPROTO_UDP
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.interface import ethernet
from cruck.kernel.net.inet.udp import Datagram, UdpSocket, find_receiver
from cruck.kernel.net.inet.uplink import Uplink
from cruck.kernel.net.link import packet as packets
from cruck.kernel.net.link import segment as segments
from cruck.kernel.net.link.connection import TcpConnection
from cruck.kernel.net.link.link_relay import LinkRelay
from cruck.kernel.net.link.network import Network
from cruck.kernel.net.link.segment import ACK, RST, SYN, Segment

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.net.inet.tcp import TcpSocket

PREFIX_BITS: Final = 24
MTU: Final = 1500
MSS: Final = MTU - packets.HEADER_SIZE - segments.HEADER_SIZE
TTL: Final = 64
MAX_CONNECTIONS: Final = 65_536  # half-open ones included: a flood of SYNs ends here

Key = tuple[int, bytes, int]  # our port, the peer's address (4 bytes) and port


class Node(Uplink):
    network: Network
    kernel: "Kernel"
    stack: "InetStack"
    address: bytes  # 4 bytes
    relays: dict[Key, LinkRelay]

    def __init__(self, network: Network, kernel: "Kernel", stack: "InetStack", address: bytes) -> None:
        """Joins the network at `address` (4 bytes, free there)."""
        self.network = network
        self.kernel = kernel
        self.stack = stack
        self.address = address
        self.relays = {}
        network.nodes[address] = self
        stack.gateway = self
        stack.own_address = addresses.MAPPED + address
        stack.interfaces.append(ethernet(len(stack.interfaces) + 1, address, PREFIX_BITS, b""))

    def leads_to(self, address: bytes) -> bool:
        return addresses.is_v4(address) and address[12:15] == self.address[:3] and 0 < address[15] < 255

    def check(self, kernel: "Kernel", protocol: str, address: bytes, port: int) -> None:
        if not self.leads_to(address):
            raise LinuxError(ENETUNREACH)

    # TCP.
    def _connection(self, port: int, peer_port: int) -> TcpConnection:
        return TcpConnection(port, peer_port, int.from_bytes(self.kernel.entropy.random_bytes(4), "little"), MSS)

    def connect(self, socket: "TcpSocket") -> None:
        connection = self._connection(socket.port, socket.peer_port)
        LinkRelay(self, socket.peer_address_bytes[12:], connection).dial(socket)

    def receive(self, data: bytes, now_ns: int) -> None:
        """A packet has arrived."""
        packet = packets.decode(data)
        if packet is None or packet.to != self.address:
            return
        if packet.protocol == IPPROTO_TCP:
            segment = segments.decode(packet.payload, packet.source, packet.to)
            if segment is not None:
                self._receive_segment(packet.source, segment, now_ns)
        elif packet.protocol == IPPROTO_UDP:
            self._receive_datagram(packet)

    def _receive_segment(self, source: bytes, segment: Segment, now_ns: int) -> None:
        relay = self.relays.get((segment.port, source, segment.source_port))
        if relay is not None:
            relay.receive(segment, now_ns)
            return
        if segment.flags & RST:
            return
        listener = self.find_listener(segment.port, segment.source_port)
        if segment.flags & (SYN | ACK) == SYN and listener is not None:
            if not listener.is_backlog_full() and len(self.relays) < MAX_CONNECTIONS:
                LinkRelay(self, source, self._connection(segment.port, segment.source_port)).answer(segment, now_ns)
            return  # else: the client will ask again
        answer = Segment(segment.port, segment.source_port, 0, 0, RST, 0)
        if segment.flags & ACK:
            answer.seq = segment.ack
        else:
            answer.flags |= ACK
            answer.ack = segments.plus(segment.seq, segment.length())
        self.send_segment(source, answer)

    def find_listener(self, port: int, peer_port: int) -> "TcpSocket | None":
        return self.stack.tcp.find_listener(self.stack.own_address, port, peer_port)

    def send_segment(self, to: bytes, segment: Segment) -> None:
        payload = segments.encode(segment, self.address, to)
        self.network.send(self.address, to, packets.encode(packets.Packet(self.address, to, IPPROTO_TCP, TTL, 0, payload)))

    # UDP.
    def send(self, socket: UdpSocket, datagram: Datagram) -> None:
        """Larger ones than the MTU are not cut: they cross whole, and are lost whole."""
        to = datagram.to[12:]
        payload = packets.encode_udp(self.address, datagram.source_port, to, datagram.to_port, datagram.data)
        whole = packets.Packet(self.address, to, IPPROTO_UDP, datagram.ttl, datagram.tos, payload)
        self.network.send(self.address, to, packets.encode(whole))

    def _receive_datagram(self, packet: packets.Packet) -> None:
        found = packets.decode_udp(packet)
        if found is None:
            return
        source_port, port, data = found
        source, to = addresses.MAPPED + packet.source, self.stack.own_address
        receiver = find_receiver(self.stack.udp, to, port, source, source_port)
        if receiver is not None:
            receiver.deliver(Datagram(data, source, source_port, to, port, packet.ttl, packet.tos))
