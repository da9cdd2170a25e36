# SPDX-License-Identifier: MPL-2.0
"""RawSocket: SOCK_RAW of AF_INET and AF_INET6 (raw(7), Linux net/ipv4/raw.c): packets to this machine, of which each raw socket of their
protocol gets a copy. Echo requests are answered, UDP reaches its sockets; TCP has no packets here, so raw TCP segments reach raw
sockets only. What programs send by other sockets never was a packet, and is not seen. Nothing leaves.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi import inet as abi
from cruck.abi.errno import EDESTADDRREQ, EFAULT, EINVAL, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP, EPIPE
from cruck.abi.socket import AF_INET, MSG_OOB, SOCK_RAW, SOL_IP
from cruck.framework.mm.user_memory import VmReader
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.ping import ECHO6, HEADER_SIZE, reply_to
from cruck.kernel.net.inet.udp import Datagram, UdpSocket, find_receiver
from cruck.kernel.net.link import packet as packets
from cruck.kernel.net.socket import SENDING, Ancillary

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.process.task import Task

SOL_RAW: Final = 255
ICMP_FILTER: Final = 1


class RawSocket(UdpSocket):
    """`port` stays the protocol's number, as getsockname shows it."""

    has_header: bool  # IP_HDRINCL
    filter_mask: int  # ICMP_FILTER: types that are not wanted

    def __init__(self, stack: "InetStack", kernel: "Kernel", domain: int, protocol: int, uid: int, gid: int) -> None:
        super().__init__(stack, kernel, domain, uid, gid)
        del stack.udp_sockets[self]
        self.type = SOCK_RAW
        self.protocol = protocol
        self.ports = stack.raw
        self.has_header = protocol == abi.IPPROTO_RAW
        self.filter_mask = 0
        stack.raw.add(self, protocol)

    def bind(self, task: "Task", address: bytes) -> int:
        """Errors: −EINVAL (size, connected), −EADDRNOTAVAIL, −EAFNOSUPPORT."""
        local, _ = addresses.parse(self.domain, address)
        self._check_bindable(local)
        self.address = local
        self.is_address_bound = not addresses.is_any(local)
        return 0

    def parse(self, address: bytes) -> tuple[bytes, int]:
        """The port says nothing; it is 1 inside, for "connected"."""
        return super().parse(address)[0], 1

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Errors: −EMSGSIZE, −EDESTADDRREQ, −EINVAL (a malformed header), −EPIPE, −EFAULT, those of parse() and reach()."""
        length = data.remaining
        if length > 0xFFFF - packets.HEADER_SIZE:
            return -EMSGSIZE
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        if address:
            to, _ = self.parse(address)
        elif self.peer_port:
            to = self.peer_address_bytes
        else:
            return -EDESTADDRREQ
        source, ttl, tos = self._control(to, ancillary)
        to = self.reach(to, 0)
        if self.shut_down & SENDING:
            return -EPIPE
        content = data.read(length) if length else b""
        if len(content) < length:
            return -EFAULT
        protocol = self.protocol
        if self.has_header and self.domain == AF_INET:
            if len(content) < packets.HEADER_SIZE or content[0] >> 4 != 4 or (content[0] & 15) * 4 > len(content):
                return -EINVAL
            protocol, ttl, tos = content[9], content[8], content[1]
            if any(content[12:16]):
                source = addresses.MAPPED + content[12:16]
            content = content[(content[0] & 15) * 4 :]
        self.stack.count(length)
        if self.stack.is_local(to):
            receive(self.stack, protocol, content, source, to, ttl, tos)
        return length

    def wants(self, content: bytes, source: bytes, to: bytes) -> bool:
        if addresses.is_v4(to) != (self.domain == AF_INET) or not addresses.covers(self.address, True, to):
            return False
        if self.peer_port and self.peer_address_bytes != source:
            return False
        is_icmp = self.protocol in (abi.IPPROTO_ICMP, abi.IPPROTO_ICMPV6)
        return not (is_icmp and content and content[0] < 32 and self.filter_mask >> content[0] & 1)

    def set_option(self, task: "Task", level: int, name: int, value: bytes) -> int:
        if len(value) >= 4:
            number = int.from_bytes(value[:4], "little")
            if level == SOL_IP and name == abi.IP_HDRINCL:
                self.has_header = number != 0
                return 0
            if level == SOL_RAW and name == ICMP_FILTER and self.protocol == abi.IPPROTO_ICMP:
                self.filter_mask = number
                return 0
        return -ENOPROTOOPT if level == SOL_RAW else super().set_option(task, level, name, value)

    def get_option(self, task: "Task", level: int, name: int) -> bytes | int:
        if level == SOL_IP and name == abi.IP_HDRINCL:
            return int(self.has_header).to_bytes(4, "little")
        if level == SOL_RAW:
            return self.filter_mask.to_bytes(4, "little") if name == ICMP_FILTER and self.protocol == abi.IPPROTO_ICMP else -ENOPROTOOPT
        return super().get_option(task, level, name)


def receive(stack: "InetStack", protocol: int, content: bytes, source: bytes, to: bytes, ttl: int, tos: int) -> None:
    """A packet for this machine: to raw sockets, and to what the kernel does with it."""
    is_v4 = addresses.is_v4(to)
    shown = content
    if is_v4:
        shown = packets.encode(packets.Packet(source[12:], to[12:], protocol, ttl, tos, content))
    for socket in stack.raw.at(protocol):
        if isinstance(socket, RawSocket) and socket.wants(content, source, to):
            socket.deliver(Datagram(shown, source, 0, to, 0, ttl, tos))
    request = abi.ICMP_ECHO if is_v4 else ECHO6
    if protocol == (abi.IPPROTO_ICMP if is_v4 else abi.IPPROTO_ICMPV6):
        if len(content) >= HEADER_SIZE and content[0] == request:
            receive(stack, protocol, reply_to(content, int.from_bytes(content[4:6], "big")), to, source, 64, tos)
    elif protocol == abi.IPPROTO_UDP and is_v4:
        found = packets.decode_udp(packets.Packet(source[12:], to[12:], protocol, ttl, tos, content))
        if found is not None:
            receiver = find_receiver(stack.udp, to, found[1], source, found[0])
            if receiver is not None:
                receiver.deliver(Datagram(found[2], source, found[0], to, found[1], ttl, tos))
