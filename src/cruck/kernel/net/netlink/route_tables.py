# SPDX-License-Identifier: MPL-2.0
"""What rtnetlink(7) tells of interfaces: links, addresses and the routes that Linux makes for them, each as the body of one message."""

import struct
from typing import Final

from cruck.abi.inet import IFF_LOOPBACK
from cruck.abi.socket import AF_INET, AF_INET6, AF_UNSPEC
from cruck.kernel.net.inet.interface import Interface
from cruck.kernel.net.netlink.message import attribute, attribute_u32

IFF_LOWER_UP: Final = 0x10000
_IFINFO: Final = struct.Struct("<BxHiII")
_IFADDR: Final = struct.Struct("<BBBBi")
_ROUTE: Final = struct.Struct("<BBBBBBBBI")

_IFLA_ADDRESS, _IFLA_BROADCAST, _IFLA_IFNAME, _IFLA_MTU, _IFLA_QDISC = 1, 2, 3, 4, 6
_IFLA_TXQLEN, _IFLA_OPERSTATE, _IFLA_LINKMODE, _IFLA_GROUP = 13, 16, 17, 27
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_BROADCAST, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 3, 4, 6, 8
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 5, 7, 15
_RT_TABLE_MAIN, _RT_TABLE_LOCAL = 254, 255
_RTPROT_KERNEL, _RTPROT_BOOT = 2, 3
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_HOST = 0, 253, 254
_RTN_UNICAST, _RTN_LOCAL, _RTN_BROADCAST = 1, 2, 3
_IFA_F_PERMANENT: Final = 0x80
_RTM_F_CLONED: Final = 0x200  # an answer, not a route
_RTCF_LOCAL: Final = 0x8000_0000
_OPERATES: Final = 6  # IF_OPER_UP
_UNKNOWN: Final = 0


def link(interface: Interface) -> bytes:
    is_loopback = interface.flags & IFF_LOOPBACK != 0
    flags = interface.flags | (IFF_LOWER_UP if interface.is_up() else 0)
    return (
        _IFINFO.pack(AF_UNSPEC, interface.hardware, interface.index, flags, 0)
        + attribute(_IFLA_IFNAME, interface.name + b"\0")
        + attribute_u32(_IFLA_TXQLEN, 1000)
        + attribute(_IFLA_OPERSTATE, bytes([_UNKNOWN if is_loopback else _OPERATES]))  # Linux says so of lo
        + attribute(_IFLA_LINKMODE, b"\0")
        + attribute_u32(_IFLA_MTU, interface.mtu)
        + attribute_u32(_IFLA_GROUP, 0)
        + attribute(_IFLA_QDISC, b"noqueue\0")
        + attribute(_IFLA_ADDRESS, interface.mac)
        + attribute(_IFLA_BROADCAST, bytes(6) if is_loopback else b"\xff" * 6)
    )


def addresses(interface: Interface, family: int) -> list[bytes]:
    found: list[bytes] = []
    cache = attribute(_IFA_CACHEINFO, struct.pack("<IIII", 0xFFFF_FFFF, 0xFFFF_FFFF, 0, 0))
    scope = _SCOPE_HOST if interface.flags & IFF_LOOPBACK else _SCOPE_UNIVERSE
    if interface.address4 and family in (AF_UNSPEC, AF_INET):
        found.append(
            _IFADDR.pack(AF_INET, interface.prefix4, _IFA_F_PERMANENT, scope, interface.index)
            + attribute(_IFA_ADDRESS, interface.address4)
            + attribute(_IFA_LOCAL, interface.address4)
            + (attribute(_IFA_BROADCAST, interface.broadcast4) if interface.broadcast4 else b"")
            + attribute(_IFA_LABEL, interface.name + b"\0")
            + attribute_u32(_IFA_FLAGS, _IFA_F_PERMANENT)
            + cache
        )
    if interface.address6 and family in (AF_UNSPEC, AF_INET6):
        found.append(
            _IFADDR.pack(AF_INET6, interface.prefix6, _IFA_F_PERMANENT, scope, interface.index)
            + attribute(_IFA_ADDRESS, interface.address6)
            + cache
            + attribute_u32(_IFA_FLAGS, _IFA_F_PERMANENT)
        )
    return found


class Route:
    family: int
    table: int
    protocol: int
    scope: int
    kind: int
    destination: bytes
    bits: int
    gateway: bytes
    source: bytes
    index: int  # of the interface
    flags: int  # RTM_F_*

    def __init__(self, family: int, kind: int, scope: int, destination: bytes, bits: int, source: bytes, index: int) -> None:
        self.family = family
        self.table = _RT_TABLE_LOCAL
        self.protocol = _RTPROT_KERNEL
        self.scope = scope
        self.kind = kind
        self.destination = destination
        self.bits = bits
        self.gateway = b""
        self.source = source
        self.index = index
        self.flags = 0

    def matches(self, address: bytes) -> bool:
        shift = 8 * len(address) - self.bits
        return int.from_bytes(address, "big") >> shift == int.from_bytes(self.destination, "big") >> shift

    def body(self, destination: bytes, bits: int) -> bytes:
        """As the answer to a request: the route itself, or the way to one destination."""
        return (
            _ROUTE.pack(self.family, bits, 0, 0, self.table, self.protocol, self.scope, self.kind, self.flags)
            + attribute_u32(_RTA_TABLE, self.table)
            + (attribute(_RTA_DST, destination) if bits else b"")
            + (attribute(_RTA_GATEWAY, self.gateway) if self.gateway else b"")
            + (attribute(_RTA_PREFSRC, self.source) if self.source else b"")
            + attribute_u32(_RTA_OIF, self.index)
        )


def _routes(interface: Interface) -> list[Route]:
    """In Linux's order."""
    found: list[Route] = []
    index, own = interface.index, interface.address4
    if interface.flags & IFF_LOOPBACK and own:
        found.append(Route(AF_INET, _RTN_LOCAL, _SCOPE_HOST, b"\x7f\0\0\0", 8, own, index))
        found.append(Route(AF_INET, _RTN_LOCAL, _SCOPE_HOST, own, 32, own, index))
        found.append(Route(AF_INET, _RTN_BROADCAST, _SCOPE_LINK, b"\x7f\xff\xff\xff", 32, own, index))
    elif own:
        found.append(Route(AF_INET, _RTN_LOCAL, _SCOPE_HOST, own, 32, own, index))
        found.append(Route(AF_INET, _RTN_BROADCAST, _SCOPE_LINK, interface.broadcast4, 32, own, index))
        direct = Route(AF_INET, _RTN_UNICAST, _SCOPE_LINK, interface.network4(), interface.prefix4, own, index)
        direct.table = _RT_TABLE_MAIN
        found.append(direct)
        if interface.gateway4:
            default = Route(AF_INET, _RTN_UNICAST, _SCOPE_UNIVERSE, bytes(4), 0, b"", index)
            default.table, default.protocol, default.gateway = _RT_TABLE_MAIN, _RTPROT_BOOT, interface.gateway4
            found.append(default)
    if interface.address6:
        found.append(Route(AF_INET6, _RTN_LOCAL, _SCOPE_UNIVERSE, interface.address6, 128, b"", index))
        if interface.gateway6:
            near = Route(
                AF_INET6,
                _RTN_UNICAST,
                _SCOPE_UNIVERSE,
                interface.address6[: interface.prefix6 // 8].ljust(16, b"\0"),
                interface.prefix6,
                b"",
                index,
            )
            far = Route(AF_INET6, _RTN_UNICAST, _SCOPE_UNIVERSE, bytes(16), 0, b"", index)
            near.table = far.table = _RT_TABLE_MAIN
            far.protocol, far.gateway = _RTPROT_BOOT, interface.gateway6
            found += [near, far]
    return found


def routes(interface: Interface, family: int) -> list[bytes]:
    found: list[bytes] = []
    for route in _routes(interface):
        if family in (AF_UNSPEC, route.family):
            found.append(route.body(route.destination, route.bits))
    return found


def route_to(interfaces: list[Interface], family: int, address: bytes) -> bytes:
    """The way to one address; b"": there is none."""
    best: Route | None = None
    for interface in interfaces:
        for route in _routes(interface):
            if route.family == family and route.matches(address) and (best is None or route.bits > best.bits):
                best = route
    if best is None:
        return b""
    source = best.source
    if not source:
        source = address if family == AF_INET6 else interfaces[best.index - 1].address4
    way = Route(family, best.kind, _SCOPE_UNIVERSE, address, 8 * len(address), source, best.index)
    way.gateway, way.table, way.protocol = best.gateway, _RT_TABLE_MAIN, 0
    way.flags = _RTM_F_CLONED | (_RTCF_LOCAL if best.kind == _RTN_LOCAL else 0)
    return way.body(address, 8 * len(address))
