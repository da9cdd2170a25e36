# SPDX-License-Identifier: MPL-2.0
"""Internet addresses: struct sockaddr_in and sockaddr_in6 as one form, and what the loopback interface makes of them.

An address is 16 bytes everywhere in this package; IPv4 is ::ffff:a.b.c.d, whatever the socket's domain. `lo` (index 1) has 127.0.0.1/8
and ::1/128; what else is local or reachable, the stack knows (stack.py).
"""

from typing import Final

from cruck.abi.errno import EAFNOSUPPORT, EINVAL
from cruck.abi.socket import AF_INET, AF_INET6
from cruck.kernel.errors import LinuxError

MAPPED: Final = bytes(10) + b"\xff\xff"
ANY4: Final = MAPPED + bytes(4)
ANY6: Final = bytes(16)
LOOPBACK4: Final = MAPPED + b"\x7f\0\0\1"
LOOPBACK6: Final = bytes(15) + b"\1"
LOOPBACK_BROADCAST: Final = MAPPED + b"\x7f\xff\xff\xff"
LOOPBACK_INDEX: Final = 1

SOCKADDR_IN_SIZE: Final = 16
SOCKADDR_IN6_MIN: Final = 24  # without sin6_scope_id: RFC 2133


def parse(domain: int, sockaddr: bytes) -> tuple[bytes, int]:
    """(address, port) of what a socket of `domain` is given; at least 2 bytes. Errors: LinuxError(EINVAL): too short, a link-local
    address without its interface; LinuxError(EAFNOSUPPORT)."""
    family = int.from_bytes(sockaddr[:2], "little")
    if len(sockaddr) < (SOCKADDR_IN_SIZE if domain == AF_INET else SOCKADDR_IN6_MIN):
        raise LinuxError(EINVAL)
    if family != domain:
        raise LinuxError(EAFNOSUPPORT)
    port = int.from_bytes(sockaddr[2:4], "big")
    if domain == AF_INET:
        return MAPPED + sockaddr[4:8], port
    address = sockaddr[8:24]
    if is_link_local(address) and not any(sockaddr[24:28]):
        raise LinuxError(EINVAL)
    return address, port


def sockaddr(domain: int, address: bytes, port: int) -> bytes:
    """As getsockname and recvfrom show it."""
    if domain == AF_INET:
        # An IPv4 socket without an address has ANY4.
        return b"\2\0" + port.to_bytes(2, "big") + address[12:] + bytes(8)
    return AF_INET6.to_bytes(2, "little") + port.to_bytes(2, "big") + bytes(4) + address + bytes(4)


def is_v4(address: bytes) -> bool:
    return address.startswith(MAPPED)


def is_any(address: bytes) -> bool:
    return address in (ANY4, ANY6)


def is_loopback(address: bytes) -> bool:
    """Does `lo` have it, if it is up?"""
    return address == LOOPBACK6 or is_v4(address) and address[12] == 127 and address != LOOPBACK_BROADCAST


def text4(address: bytes) -> str:
    """a.b.c.d of an IPv4 address."""
    return ".".join([str(part) for part in address[12:]])


def text(address: bytes) -> str:
    """a.b.c.d, or [x:x:…] without the abbreviations."""
    if is_v4(address):
        return text4(address)
    return "[" + ":".join([f"{int.from_bytes(address[at : at + 2], 'big'):x}" for at in range(0, 16, 2)]) + "]"


def is_multicast(address: bytes) -> bool:
    return address[0] == 0xFF or is_v4(address) and 224 <= address[12] < 240


def is_link_local(address: bytes) -> bool:
    return address[0] == 0xFE and address[1] & 0xC0 == 0x80


def is_broadcast(address: bytes) -> bool:
    return address == LOOPBACK_BROADCAST or address == MAPPED + b"\xff\xff\xff\xff"


def destination(address: bytes) -> bytes:
    """To send to "any" is to send to this machine."""
    if address == ANY4:
        return LOOPBACK4
    return LOOPBACK6 if address == ANY6 else address


def source_for(address: bytes) -> bytes:
    """The loopback address a socket gets that sends to `address` and has none."""
    return LOOPBACK4 if is_v4(address) else LOOPBACK6


def covers(bound: bytes, v6_only: bool, address: bytes) -> int:
    """How well a socket bound to `bound` answers for `address`: 0 not at all; more is better."""
    if bound == address:
        return 3
    if bound == ANY4:
        return 2 if is_v4(address) else 0
    if bound == ANY6:
        return 0 if v6_only and is_v4(address) else 1
    return 0


def overlap(first: bytes, first_v6_only: bool, second: bytes, second_v6_only: bool) -> bool:
    """Is there an address both stand for (Linux: ipv6_rcv_saddr_equal)?"""
    return covers(first, first_v6_only, second) > 0 or covers(second, second_v6_only, first) > 0
