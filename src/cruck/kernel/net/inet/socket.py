# SPDX-License-Identifier: MPL-2.0
"""InetSocket: what TCP and UDP share: names, bind(2), IP options, readiness bits."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENETUNREACH, ENOTCONN
from cruck.abi.inet import IP_FREEBIND, IPV6_FREEBIND, PROT_SOCK
from cruck.abi.socket import AF_INET, AF_INET6, AF_UNSPEC, SOCK_STREAM
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet import ip_options
from cruck.kernel.net.inet.ip_options import IpOptions
from cruck.kernel.net.inet.ports import PortTable
from cruck.kernel.net.socket import Socket
from cruck.kernel.process.credentials import CAP_NET_BIND_SERVICE

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.process.task import Task

POLLIN: Final = 0x0001
POLLPRI: Final = 0x0002
POLLOUT: Final = 0x0004
POLLERR: Final = 0x0008
POLLHUP: Final = 0x0010
POLLRDNORM: Final = 0x0040
POLLWRNORM: Final = 0x0100
POLLWRBAND: Final = 0x0200
POLLRDHUP: Final = 0x2000
READABLE: Final = POLLIN | POLLRDNORM
WRITABLE: Final = POLLOUT | POLLWRNORM | POLLWRBAND
EVERYTHING: Final = READABLE | WRITABLE | POLLPRI | POLLERR | POLLHUP | POLLRDHUP
O_NONBLOCK: Final = 0o4000


class InetSocket(Socket):
    stack: "InetStack"
    ports: PortTable  # the protocol's
    address: bytes  # local; see address.py
    port: int  # 0: none
    last_port: int  # what getsockname tells of a connection that is over
    peer_address_bytes: bytes
    peer_port: int  # 0: not connected
    is_address_bound: bool  # by bind(2): a disconnect leaves it
    is_port_bound: bool
    is_auto_port: bool  # chosen by connect: other connections may have it too
    ip: IpOptions

    def __init__(self, stack: "InetStack", ports: PortTable, kernel: "Kernel", domain: int, kind: int, protocol: int,
                 uid: int, gid: int) -> None:  # fmt: skip
        super().__init__(kernel, domain, kind, protocol, uid, gid)
        self.stack = stack
        self.ports = ports
        self.address = self.peer_address_bytes = self.no_address()
        self.port = self.peer_port = self.last_port = 0
        self.is_address_bound = self.is_port_bound = self.is_auto_port = False
        self.ip = IpOptions()

    def no_address(self) -> bytes:
        return addresses.ANY4 if self.domain == AF_INET else addresses.ANY6

    def bind(self, task: "Task", address: bytes) -> int:
        """Errors: −EINVAL (bound already, size, an IPv4 address under IPV6_V6ONLY), −EAFNOSUPPORT, −EADDRNOTAVAIL, −EACCES,
        −EADDRINUSE."""
        if self.domain == AF_INET and int.from_bytes(address[:2], "little") == AF_UNSPEC and len(address) >= 16:
            if any(address[4:8]):
                address = b"\xff" + address[1:]  # no family: EAFNOSUPPORT
            else:
                address = b"\2\0" + address[2:]
        local, port = addresses.parse(self.domain, address)
        self._check_bindable(local)
        if 0 < port < PROT_SOCK and not task.creds.has_in(task.ns.net.owner, CAP_NET_BIND_SERVICE):
            return -EACCES
        if self.port or not self.may_bind():
            return -EINVAL
        if port == 0:
            port = self.ports.choose(self)
        elif self.ports.is_in_conflict(self, local, port):
            return -EADDRINUSE
        else:
            self.is_port_bound = True
        self.address = local
        self.is_address_bound = not addresses.is_any(local)
        self.is_auto_port = False
        self.ports.add(self, port)
        return 0

    def may_bind(self) -> bool:
        return True

    def _check_bindable(self, local: bytes) -> None:
        if self.domain == AF_INET6 and addresses.is_v4(local) and self.ip.v6_only:
            raise LinuxError(EINVAL)
        if addresses.is_any(local) or self.stack.is_local(local) or addresses.is_broadcast(local):
            return
        if addresses.is_multicast(local):
            if self.domain == AF_INET6 and self.type == SOCK_STREAM:
                raise LinuxError(EINVAL)
            return
        if not self.ip.number4(IP_FREEBIND) and not self.ip.number6(IPV6_FREEBIND):
            raise LinuxError(EADDRNOTAVAIL)

    def conflicts_with(self, other: "InetSocket", address: bytes) -> bool:
        """Would binding to `address` take away from `other`, which has the port?"""
        raise NotImplementedError

    def reach(self, peer: bytes, port: int) -> bytes:
        """Where a connection or datagram to `peer` goes: this machine, or outward if there is a way (then ask `stack.check_leaving`).
        Errors: LinuxError(ENETUNREACH): no way, or not from this socket's kind of address."""
        peer = addresses.destination(peer)
        if self.domain == AF_INET6:
            is_v4 = addresses.is_v4(peer)
            if is_v4 and self.ip.v6_only or self.address != addresses.ANY6 and addresses.is_v4(self.address) != is_v4:
                raise LinuxError(ENETUNREACH)
        if not self.stack.is_local(peer) and not self.stack.leads_outward(peer):
            self.stack.note_unreachable(self.kernel, "tcp" if self.type == SOCK_STREAM else "udp", peer, port)
            raise LinuxError(ENETUNREACH)
        return peer

    def local_address(self) -> bytes:
        return addresses.sockaddr(self.domain, self.address, self.port or self.last_port)

    def peer_address(self) -> bytes | int:
        if self.peer_port == 0:
            return -ENOTCONN
        return addresses.sockaddr(self.domain, self.peer_address_bytes, self.peer_port)

    def set_option(self, task: "Task", level: int, name: int, value: bytes) -> int:
        return ip_options.set_option(self, task, level, name, value)

    def get_option(self, task: "Task", level: int, name: int) -> bytes | int:
        return ip_options.get_option(self, level, name)
