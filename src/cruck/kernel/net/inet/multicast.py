# SPDX-License-Identifier: MPL-2.0
"""Multicast membership of IPv4 and IPv6 sockets, and the interface they send it from (ip(7), ipv6(7); Linux net/ipv4/igmp.c, net/ipv6/mcast.c).

Without a route for 224.0.0.0/4 a program has to name the interface. On `lo`, which is what there is, a datagram to a group comes back
once, to every socket bound to its port that joined the group or wants all that anybody joined (IP_MULTICAST_ALL).
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi import inet as abi
from cruck.abi.errno import EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS, ENODEV, ENOPROTOOPT, EPROTO
from cruck.abi.socket import AF_INET, AF_INET6, SOCK_STREAM
from cruck.kernel.net.inet import address as addresses

if TYPE_CHECKING:
    from cruck.kernel.net.inet.socket import InetSocket
    from cruck.kernel.net.inet.stack import InetStack

MAX_MEMBERSHIPS: Final = 20  # net.ipv4.igmp_max_memberships
GROUP_REQ_SIZE: Final = 136  # struct group_req: u32 interface, sockaddr_storage at 8
_MREQN: Final = struct.Struct("<4s4si")  # struct ip_mreqn
V4_NAMES: Final = (abi.IP_ADD_MEMBERSHIP, abi.IP_DROP_MEMBERSHIP, abi.IP_MULTICAST_IF, abi.MCAST_JOIN_GROUP, abi.MCAST_LEAVE_GROUP)
V6_NAMES: Final = (abi.IPV6_ADD_MEMBERSHIP, abi.IPV6_DROP_MEMBERSHIP, abi.IPV6_MULTICAST_IF, abi.MCAST_JOIN_GROUP, abi.MCAST_LEAVE_GROUP)


class Multicast:
    groups: dict[tuple[bytes, int], None]  # (group, index of the interface), oldest first
    index4: int  # interface to send from; 0: by route
    address4: bytes  # 4 bytes: what IP_MULTICAST_IF shows
    index6: int

    def __init__(self) -> None:
        self.groups = {}
        self.index4 = self.index6 = 0
        self.address4 = bytes(4)

    def copy(self) -> "Multicast":
        """What an accepted socket inherits: no membership."""
        other = Multicast()
        other.index4, other.address4, other.index6 = self.index4, self.address4, self.index6
        return other


def _index_of(stack: "InetStack", address4: bytes, index: int) -> int:
    """The interface by index, or by one of its addresses; 0: none."""
    for interface in stack.interfaces:
        if index == interface.index:
            return index
        if index == 0 and interface.address4 and (
            address4 == interface.address4 or (interface.index == 1 and interface.is_up() and address4[0] == 127)
        ):  # fmt: skip
            return interface.index
    return 0


def set_v4(socket: "InetSocket", name: int, value: bytes) -> int:
    """Options of V4_NAMES. 0, −EINVAL, −EPROTO (a stream), −ENODEV, −EADDRNOTAVAIL, −EADDRINUSE, −ENOBUFS."""
    if name == abi.IP_MULTICAST_IF:
        return _set_interface4(socket, value)
    if socket.type == SOCK_STREAM:
        return -EPROTO
    group, address, index = value[:4], value[4:8], 0
    if name in (abi.MCAST_JOIN_GROUP, abi.MCAST_LEAVE_GROUP):
        if len(value) < GROUP_REQ_SIZE:
            return -EINVAL
        if value[8:10] != AF_INET.to_bytes(2, "little"):
            return -EADDRNOTAVAIL
        group, index = value[12:16], int.from_bytes(value[:4], "little")
        address = bytes(4)
    elif len(value) >= _MREQN.size:
        group, address, index = _MREQN.unpack(value[: _MREQN.size])
    elif len(value) < abi.IP_MREQ.size:
        return -EINVAL
    found = _index_of(socket.stack, address, index)
    is_join = name in (abi.IP_ADD_MEMBERSHIP, abi.MCAST_JOIN_GROUP)
    if group[0] & 0xF0 != 0xE0:
        return -EINVAL if is_join else -EADDRNOTAVAIL
    return _change(socket, addresses.MAPPED + group, found, is_join)


def _change(socket: "InetSocket", group: bytes, index: int, is_join: bool) -> int:
    groups = socket.ip.multicast.groups
    if is_join:
        if not index:
            return -ENODEV
        if (group, index) in groups:
            return -EADDRINUSE
        if len(groups) >= MAX_MEMBERSHIPS:
            return -ENOBUFS
        groups[(group, index)] = None
        socket.stack.join(group)
        return 0
    for key in groups:
        if key[0] == group and index in (0, key[1]):
            del groups[key]
            socket.stack.leave(group)
            return 0
    return -EADDRNOTAVAIL


def leave_all(socket: "InetSocket") -> None:
    """The socket is closed."""
    for group, _ in socket.ip.multicast.groups:
        socket.stack.leave(group)
    socket.ip.multicast.groups.clear()


def _set_interface4(socket: "InetSocket", value: bytes) -> int:
    if socket.type == SOCK_STREAM:
        return -EINVAL
    index = 0
    address = value[:4]
    if len(value) >= _MREQN.size:
        _, address, index = _MREQN.unpack(value[: _MREQN.size])
    elif len(value) >= abi.IP_MREQ.size:
        address = value[4:8]
    elif len(value) < 4:
        return -EINVAL
    multicast = socket.ip.multicast
    if index == 0 and not any(address):
        multicast.index4, multicast.address4 = 0, bytes(4)
        return 0
    found = _index_of(socket.stack, address, index)
    if not found:
        return -EADDRNOTAVAIL
    multicast.index4, multicast.address4 = found, address
    return 0


def set_v6(socket: "InetSocket", name: int, value: bytes) -> int:
    """Options of V6_NAMES. 0, −EINVAL, −EPROTO, −ENODEV, −EADDRNOTAVAIL, −EADDRINUSE, −ENOPROTOOPT."""
    if name == abi.IPV6_MULTICAST_IF:
        if socket.type == SOCK_STREAM:
            return -ENOPROTOOPT
        if len(value) < 4:
            return -EINVAL
        index = int.from_bytes(value[:4], "little")
        if index and not _index_of(socket.stack, bytes(4), index):
            return -ENODEV
        socket.ip.multicast.index6 = index
        return 0
    if socket.type == SOCK_STREAM:
        return -EPROTO
    if name in (abi.MCAST_JOIN_GROUP, abi.MCAST_LEAVE_GROUP):
        if len(value) < GROUP_REQ_SIZE:
            return -EINVAL
        if value[8:10] != AF_INET6.to_bytes(2, "little"):
            return -EADDRNOTAVAIL
        index, group = int.from_bytes(value[:4], "little"), value[16:32]
    elif len(value) >= abi.IPV6_MREQ.size:
        group, index = struct.unpack("<16si", value[: abi.IPV6_MREQ.size])
    else:
        return -EINVAL
    is_join = name in (abi.IPV6_ADD_MEMBERSHIP, abi.MCAST_JOIN_GROUP)
    if group[0] != 0xFF:
        return -EINVAL
    return _change(socket, group, _index_of(socket.stack, bytes(4), index), is_join)
