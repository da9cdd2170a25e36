# SPDX-License-Identifier: MPL-2.0
"""setsockopt(2), getsockopt(2): the options of SOL_SOCKET (socket(7)); other levels are the socket's own. An option that is not here
is −ENOPROTOOPT: nothing is accepted that is not kept or done.
"""

import struct
from typing import Final

from cruck.abi import socket as abi
from cruck.abi.errno import EACCES, EDOM, EINVAL, ENODATA, ENODEV, ENOPROTOOPT, EPERM, ERANGE
from cruck.abi.inet import IFNAMSIZ
from cruck.kernel.net.inet.family import interfaces_of
from cruck.kernel.net.socket import Socket, SocketOptions
from cruck.kernel.net.timestamp import NAMES as TIMESTAMP_NAMES
from cruck.kernel.process.credentials import CAP_NET_ADMIN, CAP_NET_RAW
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.socket import get_socket
from cruck.kernel.syscalls.types import CInt, Fd, UserAddr

MOST_OPTION_BYTES: Final = 65_536
BUFFER_MAX: Final = 212_992  # net.core.wmem_max, rmem_max
SEND_BUFFER_MIN: Final = 4608
RECEIVE_BUFFER_MIN: Final = 2304
NSEC_PER_SEC: Final = 1_000_000_000
# Hints without effect on loopback that programs set and read back: no sums are computed, packets are not paced, no device is polled. → default
_KEPT: Final[dict[int, int]] = {
    abi.SO_NO_CHECK: 0, abi.SO_INCOMING_CPU: 0, abi.SO_BUSY_POLL: 0, abi.SO_PREFER_BUSY_POLL: 0, abi.SO_MAX_PACING_RATE: 0xFFFF_FFFF,
    abi.SO_SELECT_ERR_QUEUE: 0,
}  # fmt: skip
_TIMEVAL: Final = struct.Struct("<qq")
_TWO_INTS: Final = struct.Struct("<ii")
_UCRED: Final = struct.Struct("<iII")


def sys_setsockopt(task: Task, fd: Fd, level: CInt, optname: CInt, optval: UserAddr, optlen: CInt) -> int:
    """Errors: EBADF, ENOTSOCK, EINVAL (length, value), ENOPROTOOPT, EFAULT, EDOM (time), ENODEV (SO_BINDTODEVICE), EPERM, EACCES."""
    socket = get_socket(task, fd)
    if optlen < 0:
        return -EINVAL
    value = task.user.read(optval, min(optlen, MOST_OPTION_BYTES)) if optlen else b""
    if level != abi.SOL_SOCKET:
        return socket.set_option(task, level, optname, value)
    if optname == abi.SO_BINDTODEVICE:
        return _bind_to_device(task, socket, value)
    if len(value) < 4:
        return -EINVAL
    number = int.from_bytes(value[:4], "little", signed=True)
    options = socket.options
    if optname == abi.SO_LINGER:
        return _set_linger(options, value)
    if optname in (abi.SO_RCVTIMEO_OLD, abi.SO_RCVTIMEO_NEW, abi.SO_SNDTIMEO_OLD, abi.SO_SNDTIMEO_NEW):
        return _set_timeout(options, optname in (abi.SO_RCVTIMEO_OLD, abi.SO_RCVTIMEO_NEW), value)
    if optname in (abi.SO_SNDBUF, abi.SO_RCVBUF, abi.SO_SNDBUFFORCE, abi.SO_RCVBUFFORCE):
        return _set_buffer(task, socket, optname, number)
    if optname in TIMESTAMP_NAMES:
        if not socket.has_timestamps():
            return -ENOPROTOOPT
        options.timestamps = optname if number else 0
        return 0
    return _set_number(task, options, optname, number)


def _bind_to_device(task: Task, socket: Socket, value: bytes) -> int:
    """SO_BINDTODEVICE: an interface by name, b"" for any. Errors: −ENODEV, −EPERM (it is bound to another)."""
    name = value[: IFNAMSIZ - 1].split(b"\0")[0]
    if name and not any(interface.name == name for interface in interfaces_of(task)):
        return -ENODEV
    if socket.options.device and not task.creds.has_in(task.ns.net.owner, CAP_NET_RAW):
        return -EPERM
    socket.options.device = name
    return 0


def _set_linger(options: SocketOptions, value: bytes) -> int:
    if len(value) < 8:
        return -EINVAL
    is_on, seconds = _TWO_INTS.unpack_from(value)
    options.linger_seconds = max(0, seconds) if is_on else -1
    return 0


def _set_timeout(options: SocketOptions, is_receive: bool, value: bytes) -> int:
    if len(value) < 16:
        return -EINVAL
    seconds, micros = _TIMEVAL.unpack_from(value)
    if not 0 <= micros < 1_000_000:
        return -EDOM
    if seconds < 0:
        timeout_ns = 0  # do not wait at all
    elif seconds == 0 and micros == 0 or seconds > 1 << 32:
        timeout_ns = -1
    else:
        timeout_ns = seconds * NSEC_PER_SEC + micros * 1000
    if is_receive:
        options.receive_timeout_ns = timeout_ns
    else:
        options.send_timeout_ns = timeout_ns
    return 0


def _set_buffer(task: Task, socket: Socket, optname: int, number: int) -> int:
    if optname in (abi.SO_SNDBUFFORCE, abi.SO_RCVBUFFORCE):
        if not task.creds.has(CAP_NET_ADMIN):
            return -EPERM
        size = max(0, min(number, 0x3FFF_FFFF)) * 2
    else:
        size = min(number & 0xFFFF_FFFF, BUFFER_MAX) * 2
    if optname in (abi.SO_SNDBUF, abi.SO_SNDBUFFORCE):
        socket.options.send_buffer = max(size, SEND_BUFFER_MIN)
        socket.queue.wake(0x304)  # POLLOUT and its kin: there may be room now
    else:
        socket.options.receive_buffer = max(size, RECEIVE_BUFFER_MIN)
    return 0


def _set_number(task: Task, options: SocketOptions, optname: int, number: int) -> int:
    is_on = number != 0
    if optname == abi.SO_REUSEADDR:
        options.reuse_address = is_on
    elif optname == abi.SO_REUSEPORT:
        options.reuse_port = is_on
    elif optname == abi.SO_KEEPALIVE:
        options.keep_alive = is_on
    elif optname == abi.SO_BROADCAST:
        options.broadcast = is_on
    elif optname == abi.SO_DONTROUTE:
        options.dont_route = is_on
    elif optname == abi.SO_OOBINLINE:
        options.oob_inline = is_on
    elif optname == abi.SO_PASSCRED:
        options.pass_credentials = is_on
    elif optname == abi.SO_RCVLOWAT:
        options.receive_low_water = 0x7FFF_FFFF if number < 0 else max(1, number)
    elif optname == abi.SO_PRIORITY:
        if not 0 <= number <= 6 and not task.creds.has(CAP_NET_ADMIN):
            return -EPERM
        options.priority = number
    elif optname == abi.SO_MARK:
        if not task.creds.has(CAP_NET_ADMIN):
            return -EPERM
        options.mark = number & 0xFFFF_FFFF
    elif optname == abi.SO_RXQ_OVFL:
        options.shows_drops = is_on
    elif optname in _KEPT:
        options.numbers[optname] = number & 0xFFFF_FFFF
    elif optname == abi.SO_DEBUG:
        if is_on:
            return -EACCES
    elif optname == abi.SO_BSDCOMPAT:
        return 0  # obsolete; Linux too forgets it
    else:
        return -ENOPROTOOPT
    return 0


def sys_getsockopt(task: Task, fd: Fd, level: CInt, optname: CInt, optval: UserAddr, optlen: UserAddr) -> int:
    """Stores min(*optlen, size of the value) bytes and that length. Errors: EBADF, ENOTSOCK, EINVAL (a negative length), EFAULT,
    ENOPROTOOPT, ERANGE and ENODATA (SO_PEERGROUPS)."""
    socket = get_socket(task, fd)
    room = task.user.read_s32(optlen)
    if level != abi.SOL_SOCKET:
        answer = socket.get_option(task, level, optname)
    elif room < 0:
        return -EINVAL
    elif optname == abi.SO_PEERGROUPS:
        return _peer_groups(task, socket, optval, optlen, room)
    else:
        answer = _get(task, socket, optname)
    if isinstance(answer, int):
        return answer
    if room < 0:
        return -EINVAL
    task.user.write(optval, answer[:room])
    task.user.write_u32(optlen, min(room, len(answer)))
    return 0


def _peer_groups(task: Task, socket: Socket, optval: UserAddr, optlen: UserAddr, room: int) -> int:
    groups = socket.peer_groups()
    if groups is None:
        return -ENODATA
    task.user.write_u32(optlen, 4 * len(groups))
    if room < 4 * len(groups):
        return -ERANGE
    task.user.write(optval, struct.pack(f"<{len(groups)}I", *groups))
    return 0


def _get(task: Task, socket: Socket, optname: int) -> bytes | int:
    options = socket.options
    if optname in (abi.SO_RCVTIMEO_OLD, abi.SO_RCVTIMEO_NEW):
        return _timeval(options.receive_timeout_ns)
    if optname in (abi.SO_SNDTIMEO_OLD, abi.SO_SNDTIMEO_NEW):
        return _timeval(options.send_timeout_ns)
    if optname == abi.SO_LINGER:
        return _TWO_INTS.pack(options.linger_seconds >= 0, max(0, options.linger_seconds))
    if optname == abi.SO_PEERCRED:
        pid, uid, gid = socket.peer_credentials()
        if uid >= 0:
            pid, uid, gid = task.number_of(pid), task.creds.shown_uid(uid), task.creds.shown_gid(gid)
        return _UCRED.pack(pid, uid & 0xFFFF_FFFF, gid & 0xFFFF_FFFF)
    if optname == abi.SO_COOKIE:
        return socket.socket_inode.ino.to_bytes(8, "little")
    if optname == abi.SO_BINDTODEVICE:
        return options.device + b"\0" if options.device else b""
    if optname == abi.SO_NETNS_COOKIE:
        return (1).to_bytes(8, "little")
    if optname == abi.SO_MEMINFO:
        return struct.pack("<9I", 0, options.receive_buffer, 0, options.send_buffer, 0, 0, 0, 0, 0)
    if optname == abi.SO_PEERNAME:
        return socket.peer_address()
    number = _get_number(socket, options, optname)
    return number.to_bytes(4, "little") if number >= 0 else number


def _timeval(timeout_ns: int) -> bytes:
    ns = max(0, timeout_ns)
    return _TIMEVAL.pack(ns // NSEC_PER_SEC, ns % NSEC_PER_SEC // 1000)


def _get_number(socket: Socket, options: SocketOptions, optname: int) -> int:
    """≥ 0, or −ENOPROTOOPT."""
    if optname == abi.SO_TYPE:
        return socket.type
    if optname == abi.SO_DOMAIN:
        return socket.domain
    if optname == abi.SO_PROTOCOL:
        return socket.protocol
    if optname == abi.SO_ERROR:
        return socket.take_error()
    if optname == abi.SO_ACCEPTCONN:
        return int(socket.is_listening())
    if optname == abi.SO_SNDBUF:
        return options.send_buffer
    if optname == abi.SO_RCVBUF:
        return options.receive_buffer
    if optname == abi.SO_REUSEADDR:
        return int(options.reuse_address)
    if optname == abi.SO_REUSEPORT:
        return int(options.reuse_port)
    if optname == abi.SO_KEEPALIVE:
        return int(options.keep_alive)
    if optname == abi.SO_BROADCAST:
        return int(options.broadcast)
    if optname == abi.SO_DONTROUTE:
        return int(options.dont_route)
    if optname == abi.SO_OOBINLINE:
        return int(options.oob_inline)
    if optname == abi.SO_PASSCRED:
        return int(options.pass_credentials)
    if optname == abi.SO_RCVLOWAT:
        return options.receive_low_water
    if optname == abi.SO_SNDLOWAT:
        return 1
    if optname == abi.SO_PRIORITY:
        return options.priority
    if optname == abi.SO_MARK:
        return options.mark
    if optname in TIMESTAMP_NAMES:
        return int(options.timestamps == optname)
    if optname == abi.SO_RXQ_OVFL:
        return int(options.shows_drops)
    if optname in _KEPT:
        return options.numbers.get(optname, _KEPT[optname])
    if optname in (abi.SO_DEBUG, abi.SO_BSDCOMPAT, abi.SO_INCOMING_NAPI_ID):
        return 0
    return -ENOPROTOOPT
