# SPDX-License-Identifier: MPL-2.0
"""PingSocket: SOCK_DGRAM of IPPROTO_ICMP and IPPROTO_ICMPV6 (icmp(7), Linux net/ipv4/ping.c): echo requests, of which the kernel fills in the
identifier and the checksum, and the answers to them. This machine answers at once; nothing leaves."""

from typing import TYPE_CHECKING, Final

from cruck.abi import inet as abi
from cruck.abi.errno import EDESTADDRREQ, EFAULT, EINVAL, EMSGSIZE, EOPNOTSUPP, EPIPE
from cruck.abi.socket import AF_INET, MSG_OOB
from cruck.framework.mm.user_memory import VmReader
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.checksum import checksum
from cruck.kernel.net.inet.udp import Datagram, UdpSocket
from cruck.kernel.net.socket import SENDING, Ancillary

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.process.task import Task

HEADER_SIZE: Final = 8  # type, code, checksum, identifier, sequence number
ECHO6: Final = 128
ECHO_REPLY6: Final = 129


def reply_to(request: bytes, identifier: int) -> bytes:
    """The echo reply of this machine to a request (at least HEADER_SIZE bytes) with that identifier."""
    kind = abi.ICMP_ECHOREPLY if request[0] == abi.ICMP_ECHO else ECHO_REPLY6
    message = bytes([kind, 0, 0, 0]) + identifier.to_bytes(2, "big") + request[6:]
    # Of IPv6 the sum covers addresses too and is checked by the kernel; what programs are given of it is not used by any.
    return message[:2] + checksum(message).to_bytes(2, "big") + message[4:]


class PingSocket(UdpSocket):
    """`port` is the identifier."""

    def __init__(self, stack: "InetStack", kernel: "Kernel", domain: int, uid: int, gid: int) -> None:
        super().__init__(stack, kernel, domain, uid, gid)
        self.ports = stack.ping
        self.protocol = abi.IPPROTO_ICMP if domain == AF_INET else abi.IPPROTO_ICMPV6
        del stack.udp_sockets[self]

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Errors: −EMSGSIZE, −EINVAL (shorter than a header, no echo request), −EDESTADDRREQ, −EPIPE, −EFAULT, those of parse() and reach()."""
        length = data.remaining
        if length > 0xFFFF:
            return -EMSGSIZE
        if length < HEADER_SIZE:
            return -EINVAL
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        if address:
            to, _ = addresses.parse(self.domain, address)
        elif self.peer_port or not addresses.is_any(self.peer_address_bytes):
            to = self.peer_address_bytes
        else:
            return -EDESTADDRREQ
        source, ttl, tos = self._control(to, ancillary)
        to = self.reach(to, 0)
        if self.shut_down & SENDING:
            return -EPIPE
        request = data.read(length)
        if len(request) < length:
            return -EFAULT
        if request[0] != (abi.ICMP_ECHO if self.domain == AF_INET else ECHO6) or request[1]:
            return -EINVAL
        self._autobind()
        self.stack.count(2 * length)
        if self.stack.is_local(to):
            self.deliver(Datagram(reply_to(request, self.port), to, 0, source, self.port, ttl, tos))
        return length
