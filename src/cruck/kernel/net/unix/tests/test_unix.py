# SPDX-License-Identifier: MPL-2.0
"""AF_UNIX sockets through their system calls, as unix(7), socket(7), send(2) and recv(2) say."""

import struct
from typing import Any

from cruck.abi.errno import (
    EACCES,
    EADDRINUSE,
    EAFNOSUPPORT,
    EAGAIN,
    EBADF,
    ECONNREFUSED,
    ECONNRESET,
    EINTR,
    EINVAL,
    EISCONN,
    EMSGSIZE,
    ENOENT,
    ENOPROTOOPT,
    ENOTCONN,
    ENOTSOCK,
    EOPNOTSUPP,
    EPERM,
    EPIPE,
    EPROTONOSUPPORT,
    EPROTOTYPE,
    ESOCKTNOSUPPORT,
)
from cruck.kernel.fs.tmpfs.fs_type import TmpFs
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.pipe import sys_pipe2
from cruck.kernel.syscalls.read_write import sys_read, sys_write
from cruck.kernel.syscalls.socket import (
    sys_accept4,
    sys_bind,
    sys_connect,
    sys_getpeername,
    sys_getsockname,
    sys_listen,
    sys_shutdown,
    sys_socket,
    sys_socketpair,
)
from cruck.kernel.syscalls.socket_message import (
    sys_recvfrom,
    sys_recvmmsg,
    sys_recvmsg,
    sys_sendmmsg,
    sys_sendmsg,
    sys_sendto,
)
from cruck.kernel.syscalls.socket_options import sys_getsockopt, sys_setsockopt
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, KitKernel, catch, fds_at, is_woken, peek, put, rerun, run
from cruck.kernel.vfs.dentry import MountNamespace, Path
from cruck.kernel.vfs.file import File

STREAM, DGRAM, SEQPACKET = 1, 2, 5
NONBLOCK, CLOEXEC = 0o4000, 0o2000000
BUF = MEMORY + 0x10_0000
ADDR = MEMORY + 0x1000
LEN = MEMORY + 0x1100
MSG = MEMORY + 0x1200
IOV = MEMORY + 0x1300
CONTROL = MEMORY + 0x1400
PEEK, TRUNC, CTRUNC, DONTWAIT, WAITALL, NOSIGNAL, CMSG_CLOEXEC = 2, 0x20, 8, 0x40, 0x100, 0x4000, 0x4000_0000
IN, OUT, ERR, HUP, RDHUP = 1, 4, 8, 16, 0x2000
SOL_SOCKET, SO_ERROR, SO_SNDBUF, SO_PASSCRED, SO_PEERCRED, SO_RCVTIMEO = 1, 4, 7, 16, 17, 20
SCM_RIGHTS, SCM_CREDENTIALS = 1, 2


def new_kernel() -> KitKernel:
    kernel = KitKernel()
    as_any: Any = kernel
    namespace = MountNamespace(TmpFs(as_any, 71), b"tmpfs", 0)
    kernel.place = Path(namespace.root, namespace.root.root)
    return kernel


class Rig:
    def __init__(self) -> None:
        self.kernel = new_kernel()
        self.task = self.kernel.new_task(10)
        self.other = self.kernel.new_task(11, like=self.task)

    def socket(self, kind: int) -> int:
        fd = run(self.task, sys_socket, 1, kind, 0)
        assert fd >= 0
        return fd

    def pair(self, kind: int) -> tuple[int, int]:
        assert run(self.task, sys_socketpair, 1, kind, 0, MEMORY) == 0
        return fds_at(self.task, MEMORY)

    def file(self, fd: int) -> File:
        return self.task.files.get(fd)

    def close(self, fd: int) -> None:
        self.task.files.remove(fd).put()

    def call_with(self, call: Any, fd: int, name: bytes, task: Task | None = None) -> int:
        address = b"\1\0" + name
        put(self.task, address, 0x1000)
        return run(task or self.task, call, fd, ADDR, len(address))

    def bind(self, fd: int, name: bytes) -> int:
        return self.call_with(sys_bind, fd, name)

    def connect(self, fd: int, name: bytes, task: Task | None = None) -> int:
        return self.call_with(sys_connect, fd, name, task)

    def send(self, fd: int, data: bytes, flags: int = 0, name: bytes | None = None) -> int:
        put(self.task, data, 0x10_0000)
        if name is None:
            return run(self.task, sys_sendto, fd, BUF, len(data), flags, 0, 0)
        put(self.task, b"\1\0" + name, 0x1000)
        return run(self.task, sys_sendto, fd, BUF, len(data), flags, ADDR, len(name) + 2)

    def recv(self, fd: int, size: int = 1000, flags: int = 0) -> bytes | int:
        count = run(self.task, sys_recvfrom, fd, BUF, size, flags, 0, 0)
        return count if count < 0 else peek(self.task, BUF, min(count, size))

    def recv_from(self, fd: int, size: int = 1000) -> tuple[int, bytes]:
        put(self.task, struct.pack("<I", 110), 0x1100)
        count = run(self.task, sys_recvfrom, fd, BUF, size, 0, ADDR, LEN)
        return count, peek(self.task, ADDR, self.task.user.read_u32(LEN))

    def name(self, call: Any, fd: int) -> bytes | int:
        put(self.task, struct.pack("<I", 110), 0x1100)
        result = run(self.task, call, fd, ADDR, LEN)
        return result if result < 0 else peek(self.task, ADDR, self.task.user.read_u32(LEN))

    def header(self, size: int, control: bytes | int) -> None:
        """A msghdr with one iovec at BUF, and control bytes, or room for some."""
        put(self.task, struct.pack("<QQ", BUF, size), 0x1300)
        room = control
        if isinstance(control, bytes):
            put(self.task, control, 0x1400)
            room = len(control)
        put(self.task, struct.pack("<QIxxxxQQQQIxxxx", 0, 0, IOV, 1, CONTROL if room else 0, room, 0), 0x1200)

    def send_msg(self, fd: int, data: bytes, control: bytes = b"", flags: int = 0) -> int:
        put(self.task, data, 0x10_0000)
        self.header(len(data), control)
        return run(self.task, sys_sendmsg, fd, MSG, flags)

    def recv_msg(self, fd: int, size: int = 1000, room: int = 256, flags: int = 0) -> tuple[bytes | int, bytes, int]:
        self.header(size, room)
        count = run(self.task, sys_recvmsg, fd, MSG, flags)
        used = self.task.user.read_u64(MSG + 40)
        data: bytes | int = count if count < 0 else peek(self.task, BUF, min(count, size))
        return data, peek(self.task, CONTROL, used) if room else b"", self.task.user.read_u32(MSG + 48)

    def option(self, fd: int, name: int, value: bytes) -> int:
        put(self.task, value, 0x1000)
        return run(self.task, sys_setsockopt, fd, SOL_SOCKET, name, ADDR, len(value))

    def get_option(self, fd: int, name: int) -> bytes | int:
        put(self.task, struct.pack("<I", 100), 0x1100)
        result = run(self.task, sys_getsockopt, fd, SOL_SOCKET, name, ADDR, LEN)
        return result if result < 0 else peek(self.task, ADDR, self.task.user.read_u32(LEN))

    def listener(self, name: bytes, backlog: int = 5, kind: int = STREAM) -> int:
        fd = self.socket(kind)
        assert self.bind(fd, name) == 0
        assert run(self.task, sys_listen, fd, backlog) == 0
        return fd

    def accept(self, fd: int) -> int:
        return run(self.task, sys_accept4, fd, 0, 0, 0)


def rights(*fds: int) -> bytes:
    data = struct.pack(f"<Qii{len(fds)}i", 16 + 4 * len(fds), SOL_SOCKET, SCM_RIGHTS, *fds)
    return data + bytes(-len(data) % 8)


def int_value(value: int) -> bytes:
    return struct.pack("<i", value)


def test_socket_refuses_what_is_not_there() -> None:
    task = new_kernel().new_task(10)
    assert run(task, sys_socket, 3, STREAM, 0) == -EAFNOSUPPORT
    assert run(task, sys_socket, -1, STREAM, 0) == -EAFNOSUPPORT
    assert run(task, sys_socket, 1, 11, 0) == -EINVAL
    assert run(task, sys_socket, 1, 4, 0) == -ESOCKTNOSUPPORT
    assert run(task, sys_socket, 1, STREAM, 6) == -EPROTONOSUPPORT
    fd = run(task, sys_socket, 1, STREAM | NONBLOCK | CLOEXEC, 0)
    assert task.files.get(fd).flags & NONBLOCK and fd in task.files.cloexec
    assert run(task, sys_listen, 77, 1) == -EBADF
    run(task, sys_pipe2, MEMORY, 0)
    assert run(task, sys_listen, fds_at(task, MEMORY)[0], 1) == -ENOTSOCK


def test_a_stream_pair_carries_bytes_both_ways() -> None:
    rig = Rig()
    a, b = rig.pair(STREAM)
    assert rig.send(a, b"hello ") == 6
    assert rig.send(a, b"world") == 5
    assert rig.recv(b, 3, PEEK) == b"hel"
    assert rig.recv(b) == b"hello world"
    put(rig.task, b"back", 0x10_0000)
    assert run(rig.task, sys_write, b, BUF, 4) == 4
    assert run(rig.task, sys_read, a, BUF + 0x100, 10) == 4
    assert rig.recv(a, 10, DONTWAIT) == -EAGAIN
    assert rig.name(sys_getsockname, a) == b"\1\0"
    assert rig.name(sys_getpeername, a) == b"\1\0"


def test_end_of_file_broken_pipe_and_reset() -> None:
    rig = Rig()
    a, b = rig.pair(STREAM)
    rig.send(a, b"rest")
    rig.close(a)
    assert rig.file(b).poll() & (IN | HUP | RDHUP) == IN | HUP | RDHUP
    assert rig.recv(b) == b"rest"
    assert rig.recv(b) == b""
    assert rig.send(b, b"x", NOSIGNAL) == -EPIPE
    assert not rig.task.pending.bits
    catch(rig.task, 13)
    assert rig.send(b, b"x") == -EPIPE
    assert rig.task.pending.bits == 1 << 12
    rig.task.pending.discard(~0)
    # Closing with unread data resets the other side, once.
    a, b = rig.pair(STREAM)
    rig.send(b, b"never read")
    rig.close(a)
    assert rig.file(b).poll() & ERR
    assert rig.recv(b) == -ECONNRESET
    assert rig.recv(b) == b""


def test_shutdown_closes_one_direction() -> None:
    rig = Rig()
    a, b = rig.pair(STREAM)
    rig.send(a, b"x")
    assert run(rig.task, sys_shutdown, a, 3) == -EINVAL
    assert run(rig.task, sys_shutdown, a, 1) == 0
    assert rig.send(a, b"y", NOSIGNAL) == -EPIPE
    assert rig.recv(b) == b"x"
    assert rig.recv(b) == b""
    assert rig.file(b).poll() & RDHUP and not rig.file(b).poll() & HUP
    assert rig.send(b, b"still") == 5
    assert rig.recv(a) == b"still"


def test_a_blocking_send_goes_on_until_all_is_taken() -> None:
    rig = Rig()
    a, b = rig.pair(STREAM)
    data = bytes(i & 0xFF for i in range(600_000))
    put(rig.other, data, 0x20_0000)
    assert run(rig.other, sys_sendto, a, MEMORY + 0x20_0000, len(data), 0, 0, 0) == BLOCKED
    assert not rig.file(a).poll() & OUT
    got = b""
    while len(got) < len(data):
        part = rig.recv(b, 50_000)
        assert isinstance(part, bytes) and part
        got += part
        if is_woken(rig.other):
            result = rerun(rig.other)
            assert result in (BLOCKED, len(data))
    assert got == data
    assert rig.file(a).poll() & OUT
    nr_sent = rig.send(a, data, DONTWAIT)
    assert 100_000 < nr_sent < len(data)
    assert rig.send(a, data, DONTWAIT) == -EAGAIN


def test_waitall_waits_for_all() -> None:
    rig = Rig()
    a, b = rig.pair(STREAM)
    rig.send(a, b"abc")
    assert run(rig.other, sys_recvfrom, b, MEMORY + 0x20_0000, 6, WAITALL, 0, 0) == BLOCKED
    rig.send(a, b"de")
    assert rerun(rig.other) == BLOCKED
    rig.send(a, b"fg")
    assert rerun(rig.other) == 6
    assert peek(rig.task, MEMORY + 0x20_0000, 6) == b"abcdef"
    assert rig.recv(b) == b"g"


def test_connections_by_pathname() -> None:
    rig = Rig()
    server = rig.listener(b"/sock")
    assert rig.name(sys_getsockname, server) == b"\1\0/sock\0"
    assert rig.bind(rig.socket(STREAM), b"/sock") == -EADDRINUSE
    assert rig.bind(server, b"/other") == -EINVAL
    client = rig.socket(STREAM)
    assert rig.file(client).poll() & (OUT | HUP) == OUT | HUP
    assert rig.connect(client, b"/none") == -ENOENT
    assert rig.connect(rig.socket(DGRAM), b"/sock") == -EPROTOTYPE
    assert rig.connect(client, b"/sock") == 0
    assert rig.connect(client, b"/sock") == -EISCONN
    assert rig.send(client, b"early") == 5
    assert rig.file(server).poll() & IN
    accepted = rig.accept(server)
    assert rig.recv(accepted) == b"early"
    assert rig.name(sys_getpeername, client) == b"\1\0/sock\0"
    assert rig.name(sys_getsockname, accepted) == b"\1\0/sock\0"
    assert struct.unpack("<iII", rig.get_option(client, SO_PEERCRED)) == (10, 1000, 1000)  # type: ignore[arg-type]
    # The name stays when the socket is gone, but nobody answers.
    rig.close(server)
    assert rig.connect(rig.socket(STREAM), b"/sock") == -ECONNREFUSED
    assert rig.bind(rig.socket(STREAM), b"/sock") == -EADDRINUSE


def test_a_socket_file_needs_write_permission() -> None:
    rig = Rig()
    rig.listener(b"/sock")
    stranger = rig.kernel.new_task(50, uid=2000)
    fd = run(stranger, sys_socket, 1, STREAM, 0)
    put(stranger, b"\1\0/sock", 0x1000)
    assert run(stranger, sys_connect, fd, ADDR, 7) == -EACCES


def test_connections_by_abstract_name_and_autobind() -> None:
    rig = Rig()
    rig.listener(b"\0name")
    assert rig.bind(rig.socket(STREAM), b"\0name") == -EADDRINUSE
    assert rig.connect(rig.socket(STREAM), b"\0nam") == -ECONNREFUSED
    assert rig.connect(rig.socket(STREAM), b"\0name") == 0
    first, second = rig.socket(DGRAM), rig.socket(DGRAM)
    assert rig.bind(first, b"") == 0 and rig.bind(second, b"") == 0
    assert rig.name(sys_getsockname, first) == b"\1\0\00000000"
    assert rig.name(sys_getsockname, second) == b"\1\0\00000001"
    assert run(rig.task, sys_bind, rig.socket(STREAM), ADDR, 111) == -EINVAL


def test_accept_waits_and_the_backlog_bounds() -> None:
    rig = Rig()
    server = rig.listener(b"\0s", backlog=0)
    assert run(rig.other, sys_accept4, server, 0, 0, CLOEXEC) == BLOCKED
    client = rig.socket(STREAM)
    assert rig.connect(client, b"\0s") == 0
    accepted = rerun(rig.other)
    assert accepted >= 0 and accepted in rig.task.files.cloexec
    assert rig.connect(rig.socket(STREAM), b"\0s") == 0
    late = rig.socket(STREAM)
    assert rig.connect(late, b"\0s", rig.other) == BLOCKED
    assert rig.connect(rig.socket(STREAM | NONBLOCK), b"\0s") == -EAGAIN
    put(rig.task, b"\1\0\0s", 0x1000)
    assert rig.accept(server) >= 0
    assert rerun(rig.other) == 0
    # The listener goes away with a connection nobody accepted.
    rig.close(server)
    assert rig.recv(late) == -ECONNRESET
    assert rig.accept(client) == -EINVAL
    assert rig.accept(rig.socket(DGRAM)) == -EOPNOTSUPP
    assert run(rig.task, sys_listen, rig.socket(STREAM), 1) == -EINVAL
    assert run(rig.task, sys_listen, rig.socket(DGRAM), 1) == -EOPNOTSUPP


def test_datagrams_keep_boundaries_and_tell_who_sent_them() -> None:
    rig = Rig()
    server, client = rig.socket(DGRAM), rig.socket(DGRAM)
    rig.bind(server, b"\0srv")
    rig.bind(client, b"\0cli")
    assert rig.send(client, b"nobody") == -ENOTCONN
    assert rig.send(client, b"one", name=b"\0srv") == 3
    assert rig.send(client, b"", name=b"\0srv") == 0
    assert rig.send(client, b"three", name=b"\0srv") == 5
    assert rig.recv_from(server) == (3, b"\1\0\0cli")
    assert rig.recv(server) == b""
    assert rig.recv(server, 2, PEEK | TRUNC) == b"th"
    data, _, flags = rig.recv_msg(server, 2)
    assert data == b"th" and flags & TRUNC
    assert rig.connect(client, b"\0srv") == 0
    assert rig.send(client, b"again") == 5
    assert rig.send(client, bytes(300_000)) == -EMSGSIZE
    assert rig.connect(server, b"\0cli") == 0
    third = rig.socket(DGRAM)
    assert rig.connect(third, b"\0srv") == -EPERM
    rig.close(server)
    assert rig.send(client, b"x") == -ECONNREFUSED
    assert rig.send(client, b"x") == -ENOTCONN


def test_a_full_datagram_queue_makes_senders_wait() -> None:
    rig = Rig()
    server, client = rig.socket(DGRAM), rig.socket(DGRAM)
    rig.bind(server, b"\0srv")
    rig.connect(client, b"\0srv")
    nr_sent = 0
    while rig.send(client, b"m", DONTWAIT) == 1:
        nr_sent += 1
    assert nr_sent == 11
    assert not rig.file(client).poll() & OUT
    assert run(rig.other, sys_sendto, client, BUF, 1, 0, 0, 0) == BLOCKED
    assert rig.recv(server) == b"m"
    assert rerun(rig.other) == 1


def test_seqpacket_is_connected_messages() -> None:
    rig = Rig()
    a, b = rig.pair(SEQPACKET)
    rig.send(a, b"one")
    rig.send(a, b"two")
    assert rig.recv(b, 2) == b"on"
    assert rig.recv(b) == b"two"
    rig.close(a)
    assert rig.recv(b) == b""
    assert rig.send(b, b"x") == -EPIPE
    assert rig.send(rig.socket(SEQPACKET), b"x") == -ENOTCONN
    server = rig.listener(b"\0q", kind=SEQPACKET)
    client = rig.socket(SEQPACKET)
    assert rig.connect(client, b"\0q") == 0
    accepted = rig.accept(server)
    rig.send(client, b"hi")
    assert rig.recv(accepted) == b"hi"


def test_files_travel_in_messages() -> None:
    rig = Rig()
    a, b = rig.pair(STREAM)
    run(rig.task, sys_pipe2, MEMORY, 0)
    r, w = fds_at(rig.task, MEMORY)
    pipe_end = rig.file(w)
    assert rig.send_msg(a, b"x", rights(99)) == -EBADF
    assert rig.send_msg(a, b"x", rights(r, w)) == 1
    rig.close(w)
    rig.send(a, b"y")
    data, control, flags = rig.recv_msg(b, flags=CMSG_CLOEXEC)
    assert data == b"x"  # not glued to the next message
    size, level, kind, fd1, fd2 = struct.unpack("<Qiiii", control)
    assert (size, level, kind) == (24, SOL_SOCKET, SCM_RIGHTS)
    assert rig.file(fd2) is pipe_end and fd1 in rig.task.files.cloexec
    assert not flags & CTRUNC
    assert rig.recv(b) == b"y"
    rig.close(fd2)
    assert pipe_end.refs == 0


def test_files_without_room_are_closed() -> None:
    rig = Rig()
    a, b = rig.pair(DGRAM)
    run(rig.task, sys_pipe2, MEMORY, 0)
    r, w = fds_at(rig.task, MEMORY)
    rig.send_msg(a, b"1", rights(r, w))
    _, control, flags = rig.recv_msg(b, room=20)
    assert flags & CTRUNC and len(control) == 20
    got = struct.unpack_from("<i", control, 16)[0]
    assert rig.file(got) is rig.file(r)
    assert rig.file(w).refs == 1
    rig.send_msg(a, b"2", rights(w))
    assert rig.recv(b) == b"2"  # recv takes no files
    assert rig.file(w).refs == 1
    rig.send_msg(a, b"3", rights(w))
    assert rig.recv_msg(b, room=0)[2] & CTRUNC
    rig.send_msg(a, b"4", rights(w))
    rig.close(b)
    assert rig.file(w).refs == 1
    a, b = rig.pair(DGRAM)
    assert rig.send_msg(a, b"", rights(*[r] * 254)) == -EINVAL
    assert rig.file(r).refs == 2
    assert rig.send_msg(a, b"", struct.pack("<Qii", 17, SOL_SOCKET, SCM_RIGHTS)) == -EINVAL


def test_credentials_are_told_to_who_asks() -> None:
    rig = Rig()
    a, b = rig.pair(STREAM)
    ucred = struct.pack("<QiiiII", 28, SOL_SOCKET, SCM_CREDENTIALS, 10, 1000, 1000)
    assert rig.send_msg(a, b"x", ucred) == 1
    assert rig.recv_msg(b)[1] == b""
    assert rig.option(b, SO_PASSCRED, int_value(1)) == 0
    rig.send(a, b"y")
    _, control, _ = rig.recv_msg(b)
    assert struct.unpack_from("<QiiiII", control) == (28, SOL_SOCKET, SCM_CREDENTIALS, 10, 1000, 1000)
    assert len(control) == 32
    assert rig.send_msg(a, b"x", struct.pack("<QiiiII", 28, SOL_SOCKET, SCM_CREDENTIALS, 1, 1000, 1000)) == -EPERM
    assert rig.send_msg(a, b"x", struct.pack("<QiiiII", 28, SOL_SOCKET, SCM_CREDENTIALS, 10, 0, 1000)) == -EPERM


def test_options() -> None:
    rig = Rig()
    a, _ = rig.pair(STREAM)
    assert rig.get_option(a, 3) == int_value(STREAM)
    assert rig.get_option(a, 39) == int_value(1)
    assert rig.get_option(a, SO_ERROR) == int_value(0)
    assert rig.option(a, SO_SNDBUF, int_value(10_000)) == 0
    assert rig.get_option(a, SO_SNDBUF) == int_value(20_000)
    assert rig.option(a, SO_SNDBUF, int_value(1)) == 0
    assert rig.get_option(a, SO_SNDBUF) == int_value(4608)
    assert rig.option(a, 3, int_value(1)) == -ENOPROTOOPT
    assert rig.option(a, 2, b"\1") == -EINVAL
    assert rig.option(a, 2, int_value(5)) == 0
    assert rig.get_option(a, 2) == int_value(1)
    assert rig.option(a, SO_RCVTIMEO, struct.pack("<qq", 1, 500_000)) == 0
    assert rig.get_option(a, SO_RCVTIMEO) == struct.pack("<qq", 1, 500_000)
    assert rig.get_option(a, 999) == -ENOPROTOOPT
    assert rig.option(a, 13, struct.pack("<ii", 1, 9)) == 0
    assert rig.get_option(a, 13) == struct.pack("<ii", 1, 9)


def test_receive_timeout_and_signals() -> None:
    rig = Rig()
    a, _ = rig.pair(STREAM)
    rig.option(a, SO_RCVTIMEO, struct.pack("<qq", 1, 0))
    assert rig.recv(a) == BLOCKED
    rig.kernel.advance(10**9)
    assert rerun(rig.task) == -EAGAIN
    catch(rig.task, 10)
    assert rig.recv(a) == BLOCKED
    rig.kernel.send_signal_task(rig.task, 10)
    assert rerun(rig.task) == -EINTR


def test_many_messages_in_one_call() -> None:
    rig = Rig()
    a, b = rig.pair(DGRAM)
    vector = b""
    for index in range(3):
        put(rig.task, struct.pack("<QQ", BUF + 100 * index, index + 1), 0x3000 + 16 * index)
        vector += struct.pack("<QIxxxxQQQQIxxxxIxxxx", 0, 0, MEMORY + 0x3000 + 16 * index, 1, 0, 0, 0, 77)
    put(rig.task, vector, 0x4000)
    put(rig.task, b"abc" * 100, 0x10_0000)
    assert run(rig.task, sys_sendmmsg, a, MEMORY + 0x4000, 3, 0) == 3
    assert [rig.task.user.read_u32(MEMORY + 0x4000 + 64 * i + 56) for i in range(3)] == [1, 2, 3]
    assert run(rig.task, sys_recvmmsg, b, MEMORY + 0x4000, 2, 0, 0) == 2
    assert run(rig.task, sys_recvmmsg, b, MEMORY + 0x4000, 3, 0x10000, 0) == 1  # MSG_WAITFORONE
    assert run(rig.task, sys_recvmmsg, b, MEMORY + 0x4000, 2, 0, 0) == BLOCKED
    rig.kernel.tasks[11].files.get(a)
    put(rig.other, b"z", 0x5000)
    assert run(rig.other, sys_sendto, a, MEMORY + 0x5000, 1, 0, 0, 0) == 1
    assert rerun(rig.task) == BLOCKED
    assert run(rig.other, sys_sendto, a, MEMORY + 0x5000, 1, 0, 0, 0) == 1
    assert rerun(rig.task) == 2


def test_a_socket_has_an_inode_and_a_name_in_proc() -> None:
    rig = Rig()
    file = rig.file(rig.socket(STREAM))
    assert file.stat().mode & 0o170000 == 0o140000
    assert file.describe() == f"socket:[{file.stat().ino}]"


def test_the_send_buffer_holds_as_many_messages_as_on_linux() -> None:
    for kind in (STREAM, DGRAM, SEQPACKET):
        rig = Rig()
        a, b = rig.pair(kind)
        nr_sent = 0
        while rig.send(a, bytes(1000), DONTWAIT) == 1000:
            nr_sent += 1
        assert nr_sent == 93
        nr_taken = 0
        while not rig.file(a).poll() & OUT:
            rig.recv(b, 1000)
            nr_taken += 1
        assert nr_taken == 70
    rig = Rig()
    a, b = rig.pair(STREAM)
    assert rig.send(a, bytes(1_000_000), DONTWAIT) == 219_264
