# SPDX-License-Identifier: MPL-2.0
"""ioctl(2) about interfaces, which every socket answers (netdevice(7)). Edge: reads and writes guest memory.

Changing an interface is −EPERM, or −EOPNOTSUPP for the privileged.
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi import ioctls as abi
from cruck.abi.errno import EADDRNOTAVAIL, EINVAL, ENODEV, ENOTTY, EOPNOTSUPP, EPERM
from cruck.abi.inet import IFF_UP, IFNAMSIZ, IFREQ_SIZE
from cruck.abi.socket import AF_INET
from cruck.kernel.net.inet.interface import Interface
from cruck.kernel.process.credentials import CAP_NET_ADMIN

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

QUEUE_LENGTH: Final = 1000
_IFCONF: Final = struct.Struct("<i4xQ")
_CHANGES: Final = (
    abi.SIOCSIFFLAGS, abi.SIOCSIFADDR, abi.SIOCSIFDSTADDR, abi.SIOCSIFBRDADDR, abi.SIOCSIFNETMASK, abi.SIOCSIFMETRIC, abi.SIOCSIFMTU,
    abi.SIOCSIFNAME, abi.SIOCSIFHWADDR, abi.SIOCSIFTXQLEN, abi.SIOCADDRT, abi.SIOCDELRT,
)  # fmt: skip


def interface_ioctl(task: "Task", command: int, argument: int) -> int:
    """Errors: −ENOTTY (not one of these), −ENODEV (no such interface), −EADDRNOTAVAIL (it has no address), −EINVAL, −EPERM, −EOPNOTSUPP;
    UserFault."""
    interfaces = _interfaces(task)
    if command == abi.SIOCGIFCONF:
        return _list(task, argument, interfaces)
    if command == abi.SIOCGIFNAME:
        index = task.user.read_s32(argument + IFNAMSIZ)
        if not 0 < index <= len(interfaces):
            return -ENODEV
        task.user.write(argument, interfaces[index - 1].name.ljust(IFNAMSIZ, b"\0"))
        return 0
    if command == abi.SIOCSIFFLAGS and may_change_loopback(task):
        request = task.user.read(argument, IFREQ_SIZE)
        if request[:IFNAMSIZ].split(b"\0")[0] != b"lo":
            return -ENODEV
        interfaces[0].set_up(bool(request[IFNAMSIZ] & IFF_UP))
        return 0
    if command in _CHANGES:
        task.user.read(argument, IFREQ_SIZE)
        return -EOPNOTSUPP if task.creds.has(CAP_NET_ADMIN) else -EPERM
    if command not in _QUESTIONS:
        return -ENOTTY
    request = task.user.read(argument, IFREQ_SIZE)
    name = request[: IFNAMSIZ - 1].split(b"\0")[0].split(b":")[0]
    for interface in interfaces:
        if interface.name == name:
            answer = _answer(interface, command)
            if not answer:
                return -EADDRNOTAVAIL
            task.user.write(argument + IFNAMSIZ, answer)
            return 0
    return -ENODEV


def may_change_loopback(task: "Task") -> bool:
    """In a network namespace of the guests' own; the first one is the run's owner's."""
    net = task.ns.net
    return net.families is not task.kernel.families and task.creds.has_in(net.owner, CAP_NET_ADMIN)


def _interfaces(task: "Task") -> list[Interface]:
    from cruck.kernel.net.inet.family import interfaces_of

    return interfaces_of(task)


def _internet(address: bytes) -> bytes:
    return AF_INET.to_bytes(4, "little") + address + bytes(8)


_QUESTIONS: Final = (
    abi.SIOCGIFFLAGS, abi.SIOCGIFADDR, abi.SIOCGIFDSTADDR, abi.SIOCGIFNETMASK, abi.SIOCGIFBRDADDR, abi.SIOCGIFMETRIC, abi.SIOCGIFMTU,
    abi.SIOCGIFINDEX, abi.SIOCGIFTXQLEN, abi.SIOCGIFHWADDR, abi.SIOCGIFMAP,
)  # fmt: skip


def _answer(interface: Interface, command: int) -> bytes:
    """What follows the name in struct ifreq; b"": the interface has no address."""
    if command in (abi.SIOCGIFADDR, abi.SIOCGIFDSTADDR, abi.SIOCGIFNETMASK, abi.SIOCGIFBRDADDR):
        if not interface.address4:
            return b""
        if command == abi.SIOCGIFNETMASK:
            return _internet(interface.netmask4())
        if command == abi.SIOCGIFBRDADDR:
            return _internet(interface.broadcast4 or bytes(4))
        return _internet(interface.address4)
    if command == abi.SIOCGIFFLAGS:
        return interface.flags.to_bytes(2, "little")
    if command == abi.SIOCGIFMETRIC:
        return bytes(4)
    if command == abi.SIOCGIFMTU:
        return interface.mtu.to_bytes(4, "little")
    if command == abi.SIOCGIFINDEX:
        return interface.index.to_bytes(4, "little")
    if command == abi.SIOCGIFTXQLEN:
        return QUEUE_LENGTH.to_bytes(4, "little")
    if command == abi.SIOCGIFHWADDR:
        return interface.hardware.to_bytes(2, "little") + interface.mac + bytes(8)
    return bytes(24)  # SIOCGIFMAP


def _list(task: "Task", argument: int, interfaces: list[Interface]) -> int:
    """Those with an IPv4 address."""
    room, buffer = _IFCONF.unpack(task.user.read(argument, _IFCONF.size))
    if room < 0:
        return -EINVAL
    entries: list[bytes] = []
    for interface in interfaces:
        if interface.address4:
            entries.append((interface.name.ljust(IFNAMSIZ, b"\0") + _internet(interface.address4)).ljust(IFREQ_SIZE, b"\0"))
    if buffer:
        entries = entries[: room // IFREQ_SIZE]
        task.user.write(buffer, b"".join(entries))
    task.user.write_u32(argument, IFREQ_SIZE * len(entries))
    return 0
