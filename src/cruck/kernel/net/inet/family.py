# SPDX-License-Identifier: MPL-2.0
"""InetFamily, Inet6Family: make sockets of AF_INET and AF_INET6. They share one InetStack, which the first owns."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAFNOSUPPORT, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT
from cruck.abi.inet import IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_MAX, IPPROTO_RAW, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE
from cruck.abi.socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.address_family import AddressFamily
from cruck.kernel.net.inet.interface import Interface
from cruck.kernel.net.inet.stack import InetStack
from cruck.kernel.net.socket import Socket

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

CAP_NET_RAW: Final = 13


class InetFamily(AddressFamily):
    stack: InetStack

    def __init__(self) -> None:
        self.number = AF_INET
        self.stack = InetStack()

    def create(self, task: "Task", kind: int, protocol: int) -> Socket:
        return create(self.stack, task, AF_INET, kind, protocol)


class Inet6Family(AddressFamily):
    def __init__(self) -> None:
        self.number = AF_INET6

    def create(self, task: "Task", kind: int, protocol: int) -> Socket:
        inet = task.ns.net.families.get(AF_INET)
        if not isinstance(inet, InetFamily):
            raise LinuxError(EAFNOSUPPORT)
        return create(inet.stack, task, AF_INET6, kind, protocol)


def create(stack: InetStack, task: "Task", domain: int, kind: int, protocol: int) -> Socket:
    """Errors: LinuxError: EINVAL (protocol), ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM (raw). Everybody may ping
    (net.ipv4.ping_group_range)."""
    from cruck.kernel.net.inet.ping import PingSocket
    from cruck.kernel.net.inet.raw import RawSocket
    from cruck.kernel.net.inet.tcp import TcpSocket
    from cruck.kernel.net.inet.udp import UdpSocket

    if not 0 <= protocol < IPPROTO_MAX:
        raise LinuxError(EINVAL)
    if kind == SOCK_STREAM:
        if protocol not in (0, IPPROTO_TCP):
            raise LinuxError(EPROTONOSUPPORT)
        return TcpSocket(stack, task.kernel, domain, task.creds.fsuid, task.creds.fsgid)
    if kind == SOCK_DGRAM:
        if protocol == (IPPROTO_ICMP if domain == AF_INET else IPPROTO_ICMPV6):
            return PingSocket(stack, task.kernel, domain, task.creds.fsuid, task.creds.fsgid)
        if protocol not in (0, IPPROTO_UDP, IPPROTO_UDPLITE):
            raise LinuxError(EPROTONOSUPPORT)
        return UdpSocket(stack, task.kernel, domain, task.creds.fsuid, task.creds.fsgid, protocol == IPPROTO_UDPLITE)
    if kind == SOCK_RAW:
        if protocol == 0 or protocol > IPPROTO_RAW:
            raise LinuxError(EPROTONOSUPPORT)
        if not task.creds.has_in(task.ns.net.owner, CAP_NET_RAW):
            raise LinuxError(EPERM)
        return RawSocket(stack, task.kernel, domain, protocol, task.creds.fsuid, task.creds.fsgid)
    raise LinuxError(ESOCKTNOSUPPORT)


def interfaces_of(task: "Task") -> list[Interface]:
    """Those of the task's network; none if it was built without AF_INET."""
    inet = task.ns.net.families.get(AF_INET)
    return inet.stack.interfaces if isinstance(inet, InetFamily) else []
