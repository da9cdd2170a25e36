# SPDX-License-Identifier: MPL-2.0
"""rtnetlink(7) of a machine whose only interface is `lo`: answers to requests, as bytes; no state, no sockets.

Links, addresses and routes can be read; changes are −EPERM, for the privileged −EOPNOTSUPP.
"""

import struct
from typing import Final

from cruck.abi.errno import EINVAL, ENODEV, EOPNOTSUPP, EPERM
from cruck.abi.inet import ARPHRD_LOOPBACK, IFF_LOOPBACK, IFF_RUNNING, IFF_UP
from cruck.abi.socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_MULTI,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
)

RTM_NEWLINK: Final = 16
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_GETADDR: Final = 22
RTM_NEWROUTE: Final = 24
RTM_GETROUTE: Final = 26
RTM_MAX: Final = 127
_EMPTY_DUMPS: Final = (30, 34, 38, 42)  # RTM_GETNEIGH, GETRULE, GETQDISC, GETTCLASS: nothing of the kind is there

IFF_LOWER_UP: Final = 0x10000
_HEADER: Final = struct.Struct("<IHHII")
_IFINFO: Final = struct.Struct("<BxHiII")
_IFADDR: Final = struct.Struct("<BBBBi")
_ROUTE: Final = struct.Struct("<BBBBBBBBI")

_IFLA_ADDRESS, _IFLA_BROADCAST, _IFLA_IFNAME, _IFLA_MTU, _IFLA_QDISC = 1, 2, 3, 4, 6
_IFLA_TXQLEN, _IFLA_OPERSTATE, _IFLA_LINKMODE, _IFLA_GROUP = 13, 16, 17, 27
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 3, 6, 8
_RTA_DST, _RTA_OIF, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 7, 15
_RT_TABLE_LOCAL: Final = 255
_SCOPE_HOST: Final = 254
_IFA_F_PERMANENT: Final = 0x80


def answer(request: bytes, port: int, may_change: bool) -> list[bytes]:
    """Answers to what one send carried: datagrams, in order. Malformed rests are ignored, as Linux does."""
    datagrams: list[bytes] = []
    at = 0
    while len(request) - at >= _HEADER.size:
        length, kind, flags, seq, _ = _HEADER.unpack_from(request, at)
        if length < _HEADER.size or length > len(request) - at:
            break
        if flags & NLM_F_REQUEST and kind >= 16:
            datagrams += _answer_one(request[at : at + length], kind, flags, seq, port, may_change)
        elif flags & NLM_F_ACK:
            datagrams.append(_error(request[at : at + length], 0, port))
        at += (length + 3) & ~3
    return datagrams


def _answer_one(message: bytes, kind: int, flags: int, seq: int, port: int, may_change: bool) -> list[bytes]:
    body = message[_HEADER.size :]
    if kind > RTM_MAX:
        return [_error(message, EOPNOTSUPP, port)]
    if kind & 3 != 2:  # not RTM_GET*
        return [_error(message, EOPNOTSUPP if may_change else EPERM, port)]
    if not body:
        return [_error(message, EINVAL, port)]
    family = body[0]
    if flags & NLM_F_DUMP == NLM_F_DUMP:
        parts: list[tuple[int, bytes]] = []
        if kind == RTM_GETLINK:
            parts = [(RTM_NEWLINK, link())]
        elif kind == RTM_GETADDR:
            parts = [(RTM_NEWADDR, entry) for entry in addresses(family)]
        elif kind == RTM_GETROUTE:
            parts = [(RTM_NEWROUTE, entry) for entry in routes(family)]
        elif kind not in _EMPTY_DUMPS:
            return [_error(message, EOPNOTSUPP, port)]
        datagrams: list[bytes] = []
        if parts:
            datagrams.append(b"".join([_message(reply, NLM_F_MULTI, seq, port, entry) for reply, entry in parts]))
        return [*datagrams, _message(NLMSG_DONE, NLM_F_MULTI, seq, port, bytes(4))]
    if kind == RTM_GETLINK:
        if not _is_lo(body):
            return [_error(message, ENODEV, port)]
        replies = [_message(RTM_NEWLINK, 0, seq, port, link())]
        return [*replies, _error(message, 0, port)] if flags & NLM_F_ACK else replies
    return [_error(message, EOPNOTSUPP, port)]


def _is_lo(body: bytes) -> bool:
    if len(body) < _IFINFO.size:
        return False
    _, _, index, _, _ = _IFINFO.unpack_from(body)
    if index:
        return bool(index == 1)
    at = _IFINFO.size
    while len(body) - at >= 4:
        length, kind = struct.unpack_from("<HH", body, at)
        if length < 4:
            return False
        if kind == _IFLA_IFNAME:
            return body[at + 4 : at + length].rstrip(b"\0") == b"lo"
        at += (length + 3) & ~3
    return False


def _message(kind: int, flags: int, seq: int, port: int, body: bytes) -> bytes:
    length = _HEADER.size + len(body)
    return (_HEADER.pack(length, kind, flags, seq, port) + body).ljust((length + 3) & ~3, b"\0")


def _error(message: bytes, errno: int, port: int) -> bytes:
    """errno 0: an acknowledgement, which repeats the header only."""
    _, _, _, seq, _ = _HEADER.unpack_from(message)
    echoed = message if errno else message[: _HEADER.size]
    return _message(NLMSG_ERROR, 0 if errno else 0x100, seq, port, struct.pack("<i", -errno) + echoed)


def _attribute(kind: int, data: bytes) -> bytes:
    return (struct.pack("<HH", 4 + len(data), kind) + data).ljust((4 + len(data) + 3) & ~3, b"\0")


def _u32(kind: int, number: int) -> bytes:
    return _attribute(kind, number.to_bytes(4, "little"))


def link() -> bytes:
    return (
        _IFINFO.pack(AF_UNSPEC, ARPHRD_LOOPBACK, 1, IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP, 0)
        + _attribute(_IFLA_IFNAME, b"lo\0")
        + _u32(_IFLA_TXQLEN, 1000)
        + _attribute(_IFLA_OPERSTATE, b"\0")  # unknown, as Linux says of lo
        + _attribute(_IFLA_LINKMODE, b"\0")
        + _u32(_IFLA_MTU, 65_536)
        + _u32(_IFLA_GROUP, 0)
        + _attribute(_IFLA_QDISC, b"noqueue\0")
        + _attribute(_IFLA_ADDRESS, bytes(6))
        + _attribute(_IFLA_BROADCAST, bytes(6))
    )


def addresses(family: int) -> list[bytes]:
    found: list[bytes] = []
    cache = _attribute(_IFA_CACHEINFO, struct.pack("<IIII", 0xFFFF_FFFF, 0xFFFF_FFFF, 0, 0))
    if family in (AF_UNSPEC, AF_INET):
        loopback = b"\x7f\0\0\1"
        found.append(
            _IFADDR.pack(AF_INET, 8, _IFA_F_PERMANENT, _SCOPE_HOST, 1)
            + _attribute(_IFA_ADDRESS, loopback)
            + _attribute(_IFA_LOCAL, loopback)
            + _attribute(_IFA_LABEL, b"lo\0")
            + _u32(_IFA_FLAGS, _IFA_F_PERMANENT)
            + cache
        )
    if family in (AF_UNSPEC, AF_INET6):
        found.append(
            _IFADDR.pack(AF_INET6, 128, _IFA_F_PERMANENT, _SCOPE_HOST, 1)
            + _attribute(_IFA_ADDRESS, bytes(15) + b"\1")
            + cache
            + _u32(_IFA_FLAGS, _IFA_F_PERMANENT)
        )
    return found


def routes(family: int) -> list[bytes]:
    """The local table: Linux makes these for lo by itself."""
    found: list[bytes] = []
    if family in (AF_UNSPEC, AF_INET):
        source = _attribute(_RTA_PREFSRC, b"\x7f\0\0\1") + _u32(_RTA_OIF, 1)
        for kind, scope, bits, destination in (
            (2, _SCOPE_HOST, 8, b"\x7f\0\0\0"),
            (2, _SCOPE_HOST, 32, b"\x7f\0\0\1"),
            (3, 253, 32, b"\x7f\xff\xff\xff"),
        ):
            found.append(
                _ROUTE.pack(AF_INET, bits, 0, 0, _RT_TABLE_LOCAL, 2, scope, kind, 0)
                + _u32(_RTA_TABLE, _RT_TABLE_LOCAL)
                + _attribute(_RTA_DST, destination)
                + source
            )
    if family in (AF_UNSPEC, AF_INET6):
        found.append(
            _ROUTE.pack(AF_INET6, 128, 0, 0, _RT_TABLE_LOCAL, 2, 0, 2, 0)
            + _u32(_RTA_TABLE, _RT_TABLE_LOCAL)
            + _attribute(_RTA_DST, bytes(15) + b"\1")
            + _u32(_RTA_OIF, 1)
        )
    return found
