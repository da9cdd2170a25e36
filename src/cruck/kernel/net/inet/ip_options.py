# SPDX-License-Identifier: MPL-2.0
"""Options of the levels SOL_IP and SOL_IPV6 (ip(7), ipv6(7)). Membership is in multicast.py. What is not here is −ENOPROTOOPT: sources of groups,
source routes."""

from typing import TYPE_CHECKING, Final

from cruck.abi import inet as abi
from cruck.abi.errno import EINVAL, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPERM
from cruck.abi.socket import AF_INET, AF_INET6, SOL_IP, SOL_IPV6
from cruck.kernel.net.inet import multicast
from cruck.kernel.net.inet.multicast import Multicast
from cruck.kernel.process.credentials import CAP_NET_ADMIN

if TYPE_CHECKING:
    from cruck.kernel.net.inet.socket import InetSocket
    from cruck.kernel.process.task import Task

DEFAULT_TTL: Final = 64
LOOPBACK_MTU: Final = 65_536

_V4_FLAGS: Final = (
    abi.IP_PKTINFO, abi.IP_RECVTTL, abi.IP_RECVTOS, abi.IP_RECVERR, abi.IP_FREEBIND, abi.IP_BIND_ADDRESS_NO_PORT, abi.IP_MULTICAST_LOOP,
    abi.IP_MULTICAST_ALL, abi.IP_RECVOPTS, abi.IP_RETOPTS, abi.IP_RECVORIGDSTADDR,
)  # fmt: skip
_V6_FLAGS: Final = (
    abi.IPV6_RECVPKTINFO, abi.IPV6_RECVHOPLIMIT, abi.IPV6_RECVTCLASS, abi.IPV6_RECVERR, abi.IPV6_MULTICAST_LOOP, abi.IPV6_MULTICAST_ALL,
    abi.IPV6_FREEBIND, abi.IPV6_DONTFRAG, abi.IPV6_AUTOFLOWLABEL, abi.IPV6_RECVORIGDSTADDR,
)  # fmt: skip


class IpOptions:
    v4: dict[int, int]  # values that are not the default, by name
    v6: dict[int, int]
    v6_only: bool
    multicast: Multicast

    def __init__(self, v6_only: bool = False) -> None:
        self.v4 = {}
        self.v6 = {}
        self.v6_only = v6_only
        self.multicast = Multicast()

    def copy(self) -> "IpOptions":
        other = IpOptions(self.v6_only)
        other.v4 = dict(self.v4)
        other.v6 = dict(self.v6)
        other.multicast = self.multicast.copy()
        return other

    def number4(self, name: int) -> int:
        value = self.v4.get(name)
        return value if value is not None else _V4_DEFAULTS.get(name, 0)

    def number6(self, name: int) -> int:
        value = self.v6.get(name)
        return value if value is not None else _V6_DEFAULTS.get(name, 0)


_V4_DEFAULTS: Final[dict[int, int]] = {
    abi.IP_TTL: DEFAULT_TTL, abi.IP_MTU_DISCOVER: abi.IP_PMTUDISC_WANT, abi.IP_MULTICAST_TTL: 1, abi.IP_MULTICAST_LOOP: 1,
    abi.IP_MULTICAST_ALL: 1,
}  # fmt: skip
_V6_DEFAULTS: Final[dict[int, int]] = {
    abi.IPV6_UNICAST_HOPS: DEFAULT_TTL, abi.IPV6_MTU_DISCOVER: abi.IPV6_PMTUDISC_WANT, abi.IPV6_MULTICAST_HOPS: 1,
    abi.IPV6_MULTICAST_LOOP: 1, abi.IPV6_MULTICAST_ALL: 1, abi.IPV6_AUTOFLOWLABEL: 1,
}  # fmt: skip


def set_option(socket: "InetSocket", task: "Task", level: int, name: int, value: bytes) -> int:
    """0, −ENOPROTOOPT, −EINVAL (size, value), −EPERM."""
    if level == SOL_IP:
        if name in multicast.V4_NAMES:
            return multicast.set_v4(socket, name, value)
        return _set_v4(socket, task, name, value)
    if level == SOL_IPV6 and socket.domain == AF_INET6:
        if name in multicast.V6_NAMES:
            return multicast.set_v6(socket, name, value)
        return _set_v6(socket, task, name, value)
    return -ENOPROTOOPT


def _set_v4(socket: "InetSocket", task: "Task", name: int, value: bytes) -> int:
    # A char will do where Linux wants an int.
    number = int.from_bytes(value[:4], "little", signed=True) if len(value) >= 4 else value[0] if value else 0
    options = socket.ip.v4
    if name in _V4_FLAGS:
        if not value:
            return -EINVAL
        options[name] = int(number != 0)
    elif name == abi.IP_TOS:
        options[name] = number & 0xFF
    elif name == abi.IP_TTL:
        if not value or number != -1 and not 1 <= number <= 255:
            return -EINVAL
        options[name] = DEFAULT_TTL if number == -1 else number
    elif name == abi.IP_MULTICAST_TTL:
        if not value or not -1 <= number <= 255:
            return -EINVAL
        options[name] = 1 if number == -1 else number
    elif name == abi.IP_MTU_DISCOVER:
        if not abi.IP_PMTUDISC_DONT <= number <= abi.IP_PMTUDISC_OMIT:
            return -EINVAL
        options[name] = number
    elif name == abi.IP_TRANSPARENT:
        return -ENOPROTOOPT if task.creds.has(CAP_NET_ADMIN) else -EPERM
    elif name == abi.IP_OPTIONS:
        return -EINVAL if value else 0
    else:
        return -ENOPROTOOPT
    return 0


def _set_v6(socket: "InetSocket", task: "Task", name: int, value: bytes) -> int:
    takes_int = name in _V6_FLAGS or name in (abi.IPV6_V6ONLY, abi.IPV6_UNICAST_HOPS, abi.IPV6_TCLASS, abi.IPV6_MULTICAST_HOPS)
    if takes_int and len(value) < 4:
        return -EINVAL
    number = int.from_bytes(value[:4], "little", signed=True)
    options = socket.ip.v6
    if name in _V6_FLAGS:
        options[name] = int(number != 0)
    elif name == abi.IPV6_V6ONLY:
        if socket.port:
            return -EINVAL
        socket.ip.v6_only = number != 0
    elif name in (abi.IPV6_UNICAST_HOPS, abi.IPV6_MULTICAST_HOPS):
        if not -1 <= number <= 255:
            return -EINVAL
        options[name] = number if number >= 0 else DEFAULT_TTL if name == abi.IPV6_UNICAST_HOPS else 1
    elif name == abi.IPV6_TCLASS:
        if not -1 <= number <= 255:
            return -EINVAL
        options[name] = max(0, number)
    elif name == abi.IPV6_MTU_DISCOVER:
        if not abi.IPV6_PMTUDISC_DONT <= number <= abi.IPV6_PMTUDISC_OMIT:
            return -EINVAL
        options[name] = number
    elif name == abi.IPV6_TRANSPARENT:
        return -ENOPROTOOPT if task.creds.has(CAP_NET_ADMIN) else -EPERM
    else:
        return -ENOPROTOOPT
    return 0


def get_option(socket: "InetSocket", level: int, name: int) -> bytes | int:
    """The value, −ENOPROTOOPT, −EOPNOTSUPP (another level), −ENOTCONN (the MTU of nobody's path)."""
    if level == SOL_IP:
        if name == abi.IP_OPTIONS:
            return b""
        if name == abi.IP_MULTICAST_IF:
            return socket.ip.multicast.address4
        if name == abi.IP_PROTOCOL:
            return socket.protocol.to_bytes(4, "little")
        if name == abi.IP_MTU:
            return LOOPBACK_MTU.to_bytes(4, "little") if socket.peer_port else -ENOTCONN
        if name in _V4_FLAGS or name in (abi.IP_TOS, abi.IP_TTL, abi.IP_MULTICAST_TTL, abi.IP_MTU_DISCOVER):
            return socket.ip.number4(name).to_bytes(4, "little")
        return -ENOPROTOOPT
    if level == SOL_IPV6 and socket.domain == AF_INET6:
        if name == abi.IPV6_MULTICAST_IF:
            return socket.ip.multicast.index6.to_bytes(4, "little")
        if name == abi.IPV6_V6ONLY:
            return int(socket.ip.v6_only).to_bytes(4, "little")
        if name == abi.IPV6_MTU:
            return LOOPBACK_MTU.to_bytes(4, "little") if socket.peer_port else -ENOTCONN
        if name in _V6_FLAGS or name in (
            abi.IPV6_UNICAST_HOPS, abi.IPV6_MULTICAST_HOPS, abi.IPV6_TCLASS, abi.IPV6_MTU_DISCOVER,
        ):  # fmt: skip
            return socket.ip.number6(name).to_bytes(4, "little")
        return -ENOPROTOOPT
    return -EOPNOTSUPP if socket.domain == AF_INET else -ENOPROTOOPT
