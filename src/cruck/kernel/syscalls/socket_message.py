# SPDX-License-Identifier: MPL-2.0
"""send(2), recv(2) and their variants. Knows only the base class of sockets.

A send on a blocking stream goes on until all is sent, over as many runs as it takes (the record's `progress`); so does a
receive with MSG_WAITALL or SO_RCVLOWAT. sendmmsg and recvmmsg count finished messages in the record's `token`.
"""

import struct
from typing import Final

from cruck.abi.errno import EAGAIN, EINVAL, EMSGSIZE, ENOBUFS, EPIPE, ERESTARTSYS
from cruck.abi.socket import MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_WAITALL, MSG_WAITFORONE
from cruck.framework.mm.user_memory import UserFault, UserReader, UserWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.net.socket import Ancillary, Received, Socket
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED, record
from cruck.kernel.syscalls.control_message import read_control, write_control
from cruck.kernel.syscalls.iovec import MAX_RW_COUNT, UIO_MAXIOV, one_range, read_iovec, skip, total
from cruck.kernel.syscalls.socket import (
    IN_EVENTS,
    OUT_EVENTS,
    SOCKADDR_STORAGE_SIZE,
    get_socket,
    read_address,
    wait_socket,
    write_address,
)
from cruck.kernel.syscalls.timespec import KTIME_MAX, pack_timespec, read_timespec
from cruck.kernel.syscalls.types import CInt, CUInt, Fd, Flags, InBuffer, OutBuffer, Size, UserAddr

SIGPIPE: Final = 13
O_NONBLOCK: Final = 0o4000
MMSGHDR_SIZE: Final = 64
MSGHDR_SIZE: Final = 56
_MSGHDR: Final = struct.Struct("<Qi4xQQQQI4x")  # struct user_msghdr
# Offsets in it of what recvmsg writes.
_NAMELEN: Final = 8
_CONTROLLEN: Final = 40
_FLAGS: Final = 48
_MSG_LEN: Final = 56  # in struct mmsghdr


class MessageHeader:
    """A struct msghdr, read once."""

    name: int
    name_length: int
    ranges: list[tuple[int, int]]
    control: int
    control_length: int

    def __init__(self, task: Task, addr: int) -> None:
        """Errors: LinuxError: EINVAL (negative name length, iovec), EMSGSIZE (too many iovecs), ENOBUFS; UserFault."""
        self.name, name_length, iov, nr_iov, self.control, self.control_length, _ = _MSGHDR.unpack(task.user.read(addr, MSGHDR_SIZE))
        if name_length < 0:
            raise LinuxError(EINVAL)
        self.name_length = 0 if self.name == 0 else min(name_length, SOCKADDR_STORAGE_SIZE)
        if nr_iov > UIO_MAXIOV:
            raise LinuxError(EMSGSIZE)
        self.ranges = read_iovec(task, iov, nr_iov)


def sys_sendto(task: Task, fd: Fd, buff: InBuffer, length: Size, flags: Flags, addr: UserAddr, addr_len: CInt) -> int:
    """Bytes sent. Errors: EBADF, ENOTSOCK, EFAULT, EINVAL (the address' length), EAFNOSUPPORT, EDESTADDRREQ, EISCONN, EMSGSIZE (a
    datagram too long), EAGAIN, EINTR, EPIPE (with SIGPIPE unless MSG_NOSIGNAL)."""
    socket = get_socket(task, fd)
    ranges = one_range(task, buff, min(length, MAX_RW_COUNT))
    address = read_address(task, addr, addr_len) if addr else b""
    return _send(task, socket, ranges if length else [], flags, address, Ancillary())


def sys_sendmsg(task: Task, fd: Fd, msg: UserAddr, flags: Flags) -> int:
    """Bytes sent. Errors: EBADF (also: a descriptor that is passed), ENOTSOCK, EFAULT, EINVAL (lengths, control messages), EMSGSIZE
    (more than 1024 ranges), ENOBUFS (control messages beyond 2 GiB), EAGAIN, EINTR, EPIPE."""
    return _send_message(task, get_socket(task, fd), msg, flags)


def sys_sendmmsg(task: Task, fd: Fd, mmsg: UserAddr, vlen: CUInt, flags: Flags) -> int:
    """Number of messages sent; an error only if not even one was. Errors: EBADF, ENOTSOCK, EFAULT, EAGAIN, EINTR, EPIPE."""
    socket = get_socket(task, fd)
    index = task.wait.token if task.wait is not None else 0
    count = min(vlen, UIO_MAXIOV)
    while index < count:
        at = mmsg + index * MMSGHDR_SIZE
        try:
            sent = _send_message(task, socket, UserAddr(at), flags)
            if sent >= 0:
                task.user.write_u32(at + _MSG_LEN, sent)
        except (LinuxError, UserFault):
            if index:
                return index
            raise
        if sent == BLOCKED:
            record(task).token = index
            return BLOCKED
        if sent < 0:
            return index if index else sent
        index += 1
        if task.wait is not None:
            task.wait.progress = 0
    return index


def _send_message(task: Task, socket: Socket, msg: UserAddr, flags: int) -> int:
    header = MessageHeader(task, msg)
    if header.control_length > 0x7FFF_FFFF:
        return -ENOBUFS
    address = task.user.read(header.name, header.name_length) if header.name_length else b""
    ancillary = Ancillary()
    try:
        # What goes along went with the first bytes.
        if header.control and header.control_length and (task.wait is None or task.wait.progress == 0):
            read_control(task, header.control, header.control_length, ancillary)
        return _send(task, socket, header.ranges, flags, address, ancillary)
    finally:
        ancillary.drop()


def _send(task: Task, socket: Socket, ranges: list[tuple[int, int]], flags: int, address: bytes, ancillary: Ancillary) -> int:
    if address and len(address) < 2:
        return -EINVAL
    done = task.wait.progress if task.wait is not None else 0
    data = UserReader(task.user, skip(ranges, done) if done else ranges)
    while True:
        try:
            count = socket.send(task, data, flags, address, ancillary)
        except UserFault:
            if done:
                return done
            raise
        if count == WOULD_BLOCK:
            result = wait_socket(task, socket, OUT_EVENTS, socket.write_timeout_ns(), flags & MSG_DONTWAIT != 0)
            if result == BLOCKED:
                record(task).progress = done
                return BLOCKED
            return done if done else result
        if count < 0:
            if count == -EPIPE and done == 0 and not flags & MSG_NOSIGNAL and socket.signals_broken_pipe():
                task.kernel.send_signal_task(task, SIGPIPE)
            return done if done else count
        done += count
        if count == 0 or data.remaining == 0 or data.is_faulted or not socket.is_stream():
            return done


def sys_recvfrom(task: Task, fd: Fd, ubuf: OutBuffer, size: Size, flags: Flags, addr: UserAddr, addr_len: UserAddr) -> int:
    """Bytes received, 0 at the end; the sender's address if the caller asks for it. Errors: EBADF, ENOTSOCK, EFAULT, ENOTCONN,
    ECONNREFUSED (what came back for an earlier datagram), EAGAIN, EINTR."""
    socket = get_socket(task, fd)
    ranges = one_range(task, ubuf, min(size, MAX_RW_COUNT))
    received = Received()
    count = _receive(task, socket, ranges if size else [], flags, received)
    received.ancillary.drop()
    if count >= 0 and addr:
        write_address(task, received.address, addr, addr_len)
    return count


def sys_recvmsg(task: Task, fd: Fd, msg: UserAddr, flags: Flags) -> int:
    """Bytes received. Errors: EBADF, ENOTSOCK, EFAULT, EINVAL (lengths), EMSGSIZE (more than 1024 ranges), EAGAIN, EINTR."""
    return _receive_message(task, get_socket(task, fd), msg, flags)


def sys_recvmmsg(task: Task, fd: Fd, mmsg: UserAddr, vlen: CUInt, flags: Flags, timeout: UserAddr) -> int:
    """Number of messages received. As on Linux the timeout is looked at only after a message has come (recvmmsg(2), BUGS). Errors:
    EBADF, ENOTSOCK, EFAULT, EINVAL (time), EAGAIN, EINTR."""
    socket = get_socket(task, fd)
    rec = task.wait
    end_ns = -1
    if rec is not None and isinstance(rec.extra, int):
        end_ns = rec.extra
    elif timeout:
        end_ns = min(task.kernel.clock.monotonic_ns() + read_timespec(task, timeout), KTIME_MAX)
    index = rec.token if rec is not None else 0
    count = min(vlen, UIO_MAXIOV)
    if index == 0 and socket.error:
        return -socket.take_error()
    result = 0
    while index < count:
        at = mmsg + index * MMSGHDR_SIZE
        one_flags = flags & ~MSG_WAITFORONE
        if flags & MSG_WAITFORONE and index:
            one_flags |= MSG_DONTWAIT
        try:
            result = _receive_message(task, socket, UserAddr(at), one_flags)
            if result >= 0:
                task.user.write_u32(at + _MSG_LEN, result)
        except (LinuxError, UserFault):
            if index:
                break
            raise
        if result == BLOCKED:
            rec = record(task)
            rec.token = index
            rec.extra = end_ns
            return BLOCKED
        if result < 0:
            break
        index += 1
        if task.wait is not None:
            task.wait.progress = 0
        if 0 <= end_ns <= task.kernel.clock.monotonic_ns():
            break
    if index == 0:
        return result
    if result < 0 and result not in (-EAGAIN, -ERESTARTSYS):
        socket.error = -result  # the next call reports it
    if timeout and end_ns >= 0:
        task.user.write(timeout, pack_timespec(max(0, end_ns - task.kernel.clock.monotonic_ns())))
    return index


def _receive_message(task: Task, socket: Socket, msg: UserAddr, flags: int) -> int:
    header = MessageHeader(task, msg)
    received = Received()
    count = _receive(task, socket, header.ranges, flags & ~MSG_CMSG_CLOEXEC, received)
    if count < 0:
        received.ancillary.drop()
        return count
    try:
        if header.name:
            task.user.write(header.name, received.address[: header.name_length])
            task.user.write_u32(msg + _NAMELEN, len(received.address))
        used, truncated = write_control(task, header.control, header.control_length, received.ancillary, flags & MSG_CMSG_CLOEXEC != 0)
        task.user.write_u32(msg + _FLAGS, received.flags | truncated | flags & MSG_CMSG_CLOEXEC)
        task.user.write_u64(msg + _CONTROLLEN, used)
    finally:
        received.ancillary.drop()
    return count


def _receive(task: Task, socket: Socket, ranges: list[tuple[int, int]], flags: int, received: Received) -> int:
    done = task.wait.progress if task.wait is not None else 0
    out = UserWriter(task.user, skip(ranges, done) if done else ranges)
    is_nonblocking = flags & MSG_DONTWAIT != 0
    count = socket.receive(task, out, flags, received)
    if count < 0 and count != WOULD_BLOCK:
        return done if done else count
    if count >= 0:
        done += count
        if received.is_complete or out.remaining == 0 or out.is_faulted or flags & MSG_PEEK or not socket.is_stream():
            return done
        if not flags & MSG_WAITALL and done >= min(socket.options.receive_low_water, total(ranges)):
            return done
    result = wait_socket(task, socket, IN_EVENTS, socket.read_timeout_ns(), is_nonblocking)
    if result == BLOCKED:
        received.ancillary.drop()
        record(task).progress = done
        return BLOCKED
    return done if done else result
