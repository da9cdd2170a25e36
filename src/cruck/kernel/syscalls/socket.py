# SPDX-License-Identifier: MPL-2.0
"""socket(2), bind(2), connect(2), accept(2) and the calls about names. Messages are in socket_message.py, options in
socket_options.py. Knows only the base class of sockets (net/socket.py) and the list of families (kernel.families).
"""

from typing import Final

from cruck.abi.errno import (
    EAFNOSUPPORT,
    EAGAIN,
    EFAULT,
    EINTR,
    EINVAL,
    ENOTSOCK,
    ERESTARTSYS,
)
from cruck.abi.socket import SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_TYPE_MASK, SOMAXCONN
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.net.address_family import AddressFamily
from cruck.kernel.net.socket import Socket
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import deadline_after, wait_file
from cruck.kernel.syscalls.types import CInt, Fd, UserAddr

RLIMIT_NOFILE: Final = 7
O_NONBLOCK: Final = 0o4000
SOCK_MAX: Final = 11
SOCKADDR_STORAGE_SIZE: Final = 128
# What a wait for readability or writability cares about.
IN_EVENTS: Final = 0x001 | 0x002 | 0x008 | 0x010 | 0x040 | 0x080 | 0x2000
OUT_EVENTS: Final = 0x004 | 0x008 | 0x010 | 0x100 | 0x200


def get_socket(task: Task, fd: int) -> Socket:
    """Errors: LinuxError(EBADF, ENOTSOCK)."""
    file = task.files.get(fd)
    if not isinstance(file, Socket):
        raise LinuxError(ENOTSOCK)
    return file


def read_address(task: Task, addr: UserAddr, length: int) -> bytes:
    """sockaddr bytes. Errors: LinuxError(EINVAL): a length outside [0, 128]; UserFault."""
    if not 0 <= length <= SOCKADDR_STORAGE_SIZE:
        raise LinuxError(EINVAL)
    return task.user.read(addr, length) if length else b""


def write_address(task: Task, address: bytes, addr: UserAddr, length_addr: UserAddr) -> None:
    """Stores as much of `address` as the caller has room for, and its full length.
    Errors: LinuxError(EINVAL): a negative length; UserFault."""
    room = task.user.read_s32(length_addr)
    if room < 0:
        raise LinuxError(EINVAL)
    task.user.write(addr, address[:room])
    task.user.write_u32(length_addr, len(address))


def wait_socket(task: Task, socket: Socket, events: int, timeout_ns: int, is_nonblocking: bool) -> int:
    """As blocking.wait_file(), with SO_RCVTIMEO or SO_SNDTIMEO: a call with such a timeout is not restarted after a signal."""
    result = wait_file(task, socket, events, deadline_after(task, timeout_ns), is_nonblocking)
    return -EINTR if result == -ERESTARTSYS and timeout_ns >= 0 else result


def _family(task: Task, number: int, kind: int) -> AddressFamily:
    """Errors: LinuxError(EINVAL, EAFNOSUPPORT)."""
    if kind & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK):
        raise LinuxError(EINVAL)
    family = task.ns.net.families.get(number)
    if number < 0:
        raise LinuxError(EAFNOSUPPORT)
    if kind & SOCK_TYPE_MASK >= SOCK_MAX:
        raise LinuxError(EINVAL)
    if family is None:
        raise LinuxError(EAFNOSUPPORT)
    return family


def sys_socket(task: Task, family: CInt, kind: CInt, protocol: CInt) -> int:
    """A new descriptor. Errors: EAFNOSUPPORT, EINVAL (kind), ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM (a raw socket without
    CAP_NET_RAW), EMFILE."""
    limit = task.process.rlimit(RLIMIT_NOFILE)
    socket = _family(task, family, kind).create(task, kind & SOCK_TYPE_MASK, protocol)
    return install(task, socket, kind, limit)


def install(task: Task, socket: Socket, kind: int, limit: int) -> int:
    """A descriptor for a new socket with SOCK_CLOEXEC and SOCK_NONBLOCK of `kind`. Errors: LinuxError(EMFILE); the socket is closed."""
    if kind & SOCK_NONBLOCK:
        socket.flags |= O_NONBLOCK
    socket.get()
    try:
        return task.files.install(socket, limit, kind & SOCK_CLOEXEC != 0)
    finally:
        socket.put()


def sys_socketpair(task: Task, family: CInt, kind: CInt, protocol: CInt, usockvec: UserAddr) -> int:
    """Stores two descriptors (s32 each). As socket. Errors: also EOPNOTSUPP (the family has no pairs), EFAULT."""
    maker = _family(task, family, kind)
    limit = task.process.rlimit(RLIMIT_NOFILE)
    task.files.reserve_check(2, limit)
    first, second = maker.create_pair(task, kind & SOCK_TYPE_MASK, protocol)
    first_fd = install(task, first, kind, limit)
    second_fd = install(task, second, kind, limit)
    try:
        task.user.write(usockvec, first_fd.to_bytes(4, "little") + second_fd.to_bytes(4, "little"))
    except UserFault:
        task.files.remove(first_fd).put()
        task.files.remove(second_fd).put()
        return -EFAULT
    return 0


def sys_bind(task: Task, fd: Fd, umyaddr: UserAddr, addrlen: CInt) -> int:
    """Errors: EBADF, ENOTSOCK, EINVAL (length; bound already), EFAULT, EAFNOSUPPORT, EADDRINUSE, EADDRNOTAVAIL, EACCES (a port below
    1024; a directory that cannot be written), ENOENT and ENOTDIR (of a path)."""
    socket = get_socket(task, fd)
    address = read_address(task, umyaddr, addrlen)
    return socket.bind(task, address) if len(address) >= 2 else -EINVAL


def sys_listen(task: Task, fd: Fd, backlog: CInt) -> int:
    """Errors: EBADF, ENOTSOCK, EINVAL (connected, or AF_UNIX without a name), EOPNOTSUPP (this kind of socket)."""
    socket = get_socket(task, fd)
    # A negative backlog is a huge one.
    return socket.listen(task, min(backlog & 0xFFFF_FFFF, SOMAXCONN))


def sys_connect(task: Task, fd: Fd, uservaddr: UserAddr, addrlen: CInt) -> int:
    """Errors: EBADF, ENOTSOCK, EINVAL (length, family), EFAULT, EAFNOSUPPORT, ECONNREFUSED, EISCONN, EAGAIN (AF_UNIX: the listener's
    queue is full), EINTR, ENOENT, EACCES, EPROTOTYPE."""
    socket = get_socket(task, fd)
    address = read_address(task, uservaddr, addrlen)
    if len(address) < 2:
        return -EINVAL
    result = socket.connect(task, address)
    if result == WOULD_BLOCK:
        result = wait_socket(task, socket, OUT_EVENTS, socket.write_timeout_ns(), False)
        return socket.connect_timed_out() if result == -EAGAIN else result
    return result


def sys_accept4(task: Task, fd: Fd, upeer_sockaddr: UserAddr, upeer_addrlen: UserAddr, flags: CInt) -> int:
    """A descriptor for the oldest waiting connection. Errors: EBADF, ENOTSOCK, EINVAL (not listening, flags, a negative length),
    EOPNOTSUPP, EAGAIN, EINTR, EMFILE, EFAULT (the connection is closed)."""
    if flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK):
        return -EINVAL
    socket = get_socket(task, fd)
    limit = task.process.rlimit(RLIMIT_NOFILE)
    task.files.reserve_check(1, limit)
    accepted = socket.accept(task)
    if isinstance(accepted, int):
        if accepted == WOULD_BLOCK:
            return wait_socket(task, socket, IN_EVENTS, socket.read_timeout_ns(), False)
        return accepted
    new_fd = install(task, accepted, flags, limit)
    if upeer_sockaddr:
        try:
            address = accepted.accepted_address()
            if isinstance(address, bytes):
                write_address(task, address, upeer_sockaddr, upeer_addrlen)
        except (UserFault, LinuxError):
            task.files.remove(new_fd).put()
            raise
    return new_fd


def sys_accept(task: Task, fd: Fd, upeer_sockaddr: UserAddr, upeer_addrlen: UserAddr) -> int:
    """As accept4 without flags."""
    return sys_accept4(task, fd, upeer_sockaddr, upeer_addrlen, CInt(0))


def sys_shutdown(task: Task, fd: Fd, how: CInt) -> int:
    """Errors: EBADF, ENOTSOCK, EINVAL (how), ENOTCONN."""
    socket = get_socket(task, fd)
    return socket.shutdown(how) if 0 <= how <= 2 else -EINVAL


def sys_getsockname(task: Task, fd: Fd, usockaddr: UserAddr, usockaddr_len: UserAddr) -> int:
    """Errors: EBADF, ENOTSOCK, EINVAL (a negative length), EFAULT."""
    write_address(task, get_socket(task, fd).local_address(), usockaddr, usockaddr_len)
    return 0


def sys_getpeername(task: Task, fd: Fd, usockaddr: UserAddr, usockaddr_len: UserAddr) -> int:
    """As getsockname. Errors: also ENOTCONN."""
    address = get_socket(task, fd).peer_address()
    if isinstance(address, int):
        return address
    write_address(task, address, usockaddr, usockaddr_len)
    return 0
