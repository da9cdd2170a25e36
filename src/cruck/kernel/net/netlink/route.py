# SPDX-License-Identifier: MPL-2.0
"""rtnetlink(7): answers to requests, as bytes; no state, no sockets. What the tables say is in route_tables.py.

Links, addresses and routes can be read; changes are −EPERM, for the privileged −EOPNOTSUPP, but for `lo` of a new network
namespace.
"""

import struct
from typing import Final

from cruck.abi.errno import EEXIST, EINVAL, ENETUNREACH, ENODEV, EOPNOTSUPP, EPERM
from cruck.abi.inet import IFF_UP
from cruck.abi.socket import (
    AF_INET,
    AF_INET6,
    NLM_F_ACK,
    NLM_F_CREATE,
    NLM_F_DUMP,
    NLM_F_MULTI,
    NLM_F_REQUEST,
    NLMSG_DONE,
)
from cruck.kernel.net.inet.interface import Interface
from cruck.kernel.net.netlink.message import HEADER, error, message
from cruck.kernel.net.netlink.route_tables import addresses, link, route_to, routes

RTM_NEWLINK: Final = 16
RTM_GETLINK: Final = 18
RTM_SETLINK: Final = 19
RTM_NEWADDR: Final = 20
RTM_GETADDR: Final = 22
RTM_NEWROUTE: Final = 24
RTM_GETROUTE: Final = 26
RTM_MAX: Final = 127
_EMPTY_DUMPS: Final = (30, 34, 38, 42)  # RTM_GETNEIGH, GETRULE, GETQDISC, GETTCLASS: nothing of the kind is there

_IFINFO: Final = struct.Struct("<BxHiII")
_ROUTE_SIZE: Final = 12  # struct rtmsg
_IFLA_IFNAME: Final = 3
_RTA_DST: Final = 1
_IFA_LOCAL: Final = 2

# What the asker may change.
NOBODY: Final = 0
ADMIN: Final = 1  # everything, but nothing can be
LOOPBACK: Final = 2  # `lo` of a network namespace of its own


def answer(request: bytes, port: int, rights: int, interfaces: list[Interface]) -> list[bytes]:
    """Answers to what one send carried: datagrams, in order. Malformed rests are ignored, as Linux does."""
    datagrams: list[bytes] = []
    at = 0
    while len(request) - at >= HEADER.size:
        length, kind, flags, seq, _ = HEADER.unpack_from(request, at)
        if length < HEADER.size or length > len(request) - at:
            break
        if flags & NLM_F_REQUEST and kind >= 16:
            datagrams += _answer_one(request[at : at + length], kind, flags, seq, port, rights, interfaces)
        elif flags & NLM_F_ACK:
            datagrams.append(error(request[at : at + length], 0, port))
        at += (length + 3) & ~3
    return datagrams


def _answer_one(asked: bytes, kind: int, flags: int, seq: int, port: int, rights: int, interfaces: list[Interface]) -> list[bytes]:
    body = asked[HEADER.size :]
    if kind > RTM_MAX:
        return [error(asked, EOPNOTSUPP, port)]
    if kind & 3 != 2:  # not RTM_GET*
        errno = EPERM if rights == NOBODY else EOPNOTSUPP if rights == ADMIN else _change(body, kind, flags, interfaces)
        return [error(asked, errno, port)] if errno or flags & NLM_F_ACK else []
    if not body:
        return [error(asked, EINVAL, port)]
    family = body[0]
    if flags & NLM_F_DUMP == NLM_F_DUMP:
        parts: list[tuple[int, bytes]] = []
        if kind == RTM_GETLINK:
            parts = [(RTM_NEWLINK, link(interface)) for interface in interfaces]
        elif kind == RTM_GETADDR:
            parts = [(RTM_NEWADDR, entry) for interface in interfaces for entry in addresses(interface, family)]
        elif kind == RTM_GETROUTE:
            parts = [(RTM_NEWROUTE, entry) for interface in interfaces for entry in routes(interface, family)]
        elif kind not in _EMPTY_DUMPS:
            return [error(asked, EOPNOTSUPP, port)]
        datagrams: list[bytes] = []
        if parts:
            datagrams.append(b"".join([message(reply, NLM_F_MULTI, seq, port, entry) for reply, entry in parts]))
        return [*datagrams, message(NLMSG_DONE, NLM_F_MULTI, seq, port, bytes(4))]
    if kind == RTM_GETLINK:
        found = _named(body, interfaces)
        if found is None:
            return [error(asked, ENODEV, port)]
        replies = [message(RTM_NEWLINK, 0, seq, port, link(found))]
    elif kind == RTM_GETROUTE:
        destination = _attribute_in(body, _ROUTE_SIZE, _RTA_DST)
        if (family, len(destination)) not in ((AF_INET, 4), (AF_INET6, 16)):
            return [error(asked, EINVAL, port)]
        way = route_to(interfaces, family, destination)
        if not way:
            return [error(asked, ENETUNREACH, port)]
        replies = [message(RTM_NEWROUTE, 0, seq, port, way)]
    else:
        return [error(asked, EOPNOTSUPP, port)]
    return [*replies, error(asked, 0, port)] if flags & NLM_F_ACK else replies


def _change(body: bytes, kind: int, flags: int, interfaces: list[Interface]) -> int:
    """`lo` goes up or down, or gets its address: what sandboxes do in a network of their own. Returns: errno or 0."""
    if kind in (RTM_NEWLINK, RTM_SETLINK):
        if len(body) < _IFINFO.size:
            return EINVAL
        found = _named(body, interfaces)
        if found is None:
            return EOPNOTSUPP if kind == RTM_NEWLINK and flags & NLM_F_CREATE else ENODEV
        _, _, _, wanted, change = _IFINFO.unpack_from(body)
        if (change or IFF_UP) & ~IFF_UP & 0xFFFF_FFFF and change != 0xFFFF_FFFF:
            return EOPNOTSUPP
        found.set_up(bool(wanted & IFF_UP))
        return 0
    if kind == RTM_NEWADDR:
        if len(body) < 8:
            return EINVAL
        family, prefix, _, _, index = struct.unpack_from("<BBBBI", body)
        address = _attribute_in(body, 8, _IFA_LOCAL)
        if not 0 < index <= len(interfaces):
            return ENODEV
        interface = interfaces[index - 1]
        if family != AF_INET or len(address) != 4 or address[0] != 127:
            return EOPNOTSUPP
        if interface.address4:
            return EEXIST if interface.address4 == address else EOPNOTSUPP
        interface.address4, interface.prefix4 = address, min(prefix, 32)
        return 0
    return EOPNOTSUPP


def _named(body: bytes, interfaces: list[Interface]) -> Interface | None:
    """Whom a request for one link means: by index, or by name."""
    if len(body) < _IFINFO.size:
        return None
    _, _, index, _, _ = _IFINFO.unpack_from(body)
    name = _attribute_in(body, _IFINFO.size, _IFLA_IFNAME).rstrip(b"\0")
    for interface in interfaces:
        if interface.index == index or (index == 0 and interface.name == name):
            return interface
    return None


def _attribute_in(body: bytes, at: int, wanted: int) -> bytes:
    """The payload of the first attribute of that kind at or after `at`; b"" if there is none, or a malformed one comes first."""
    while len(body) - at >= 4:
        length, kind = struct.unpack_from("<HH", body, at)
        if length < 4 or length > len(body) - at:
            return b""
        if kind == wanted:
            return body[at + 4 : at + length]
        at += (length + 3) & ~3
    return b""
