# SPDX-License-Identifier: MPL-2.0
"""ioctl(2) about interfaces, which every socket answers (netdevice(7)): there is only `lo`. Edge: reads and writes guest memory.

Changing an interface is −EPERM, or −EOPNOTSUPP for the privileged: `lo` stays as it is.
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi import ioctls as abi
from cruck.abi.errno import EINVAL, ENODEV, ENOTTY, EOPNOTSUPP, EPERM
from cruck.abi.inet import ARPHRD_LOOPBACK, IFF_LOOPBACK, IFF_RUNNING, IFF_UP, IFNAMSIZ, IFREQ_SIZE
from cruck.kernel.process.credentials import CAP_NET_ADMIN

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

NAME: Final = b"lo".ljust(IFNAMSIZ, b"\0")
INDEX: Final = 1
MTU: Final = 65_536
QUEUE_LENGTH: Final = 1000
FLAGS: Final = IFF_UP | IFF_LOOPBACK | IFF_RUNNING
_IFCONF: Final = struct.Struct("<i4xQ")
_CHANGES: Final = (
    abi.SIOCSIFFLAGS, abi.SIOCSIFADDR, abi.SIOCSIFDSTADDR, abi.SIOCSIFBRDADDR, abi.SIOCSIFNETMASK, abi.SIOCSIFMETRIC, abi.SIOCSIFMTU,
    abi.SIOCSIFNAME, abi.SIOCSIFHWADDR, abi.SIOCSIFTXQLEN, abi.SIOCADDRT, abi.SIOCDELRT,
)  # fmt: skip


def interface_ioctl(task: "Task", command: int, argument: int) -> int:
    """Errors: −ENOTTY (not one of these), −ENODEV (no such interface), −EINVAL, −EPERM, −EOPNOTSUPP; UserFault."""
    if command == abi.SIOCGIFCONF:
        return _list(task, argument)
    if command == abi.SIOCGIFNAME:
        if task.user.read_s32(argument + IFNAMSIZ) != INDEX:
            return -ENODEV
        task.user.write(argument, NAME)
        return 0
    if command in _CHANGES:
        return -EOPNOTSUPP if task.creds.has(CAP_NET_ADMIN) else -EPERM
    answer = _answer(command)
    if not answer:
        return -ENOTTY
    request = task.user.read(argument, IFREQ_SIZE)
    if request[: IFNAMSIZ - 1].split(b"\0")[0].split(b":")[0] != b"lo":
        return -ENODEV
    task.user.write(argument + IFNAMSIZ, answer)
    return 0


def _internet(address: bytes) -> bytes:
    return b"\2\0\0\0" + address + bytes(8)


def _answer(command: int) -> bytes:
    """What follows the name in struct ifreq; b"": not a question."""
    if command == abi.SIOCGIFFLAGS:
        return FLAGS.to_bytes(2, "little")
    if command in (abi.SIOCGIFADDR, abi.SIOCGIFDSTADDR):
        return _internet(b"\x7f\0\0\1")
    if command == abi.SIOCGIFNETMASK:
        return _internet(b"\xff\0\0\0")
    if command == abi.SIOCGIFBRDADDR:
        return _internet(bytes(4))
    if command == abi.SIOCGIFMETRIC:
        return bytes(4)
    if command == abi.SIOCGIFMTU:
        return MTU.to_bytes(4, "little")
    if command == abi.SIOCGIFINDEX:
        return INDEX.to_bytes(4, "little")
    if command == abi.SIOCGIFTXQLEN:
        return QUEUE_LENGTH.to_bytes(4, "little")
    if command == abi.SIOCGIFHWADDR:
        return ARPHRD_LOOPBACK.to_bytes(2, "little") + bytes(14)
    if command == abi.SIOCGIFMAP:
        return bytes(24)
    return b""


def _list(task: "Task", argument: int) -> int:
    room, buffer = _IFCONF.unpack(task.user.read(argument, _IFCONF.size))
    if room < 0:
        return -EINVAL
    length = IFREQ_SIZE
    if buffer:
        if room >= IFREQ_SIZE:
            task.user.write(buffer, (NAME + _internet(b"\x7f\0\0\1")).ljust(IFREQ_SIZE, b"\0"))
        else:
            length = 0
    task.user.write_u32(argument, length)
    return 0
