# SPDX-License-Identifier: MPL-2.0
"""HostStream: a descriptor cruck was started with (a pipe, socket, regular file, device or terminal), as a capability.

Nothing here ever waits, and the open file description, which other processes share, keeps its flags: O_NONBLOCK is never set on
it. Pipes and terminals are instead opened a second time, non-blocking, through /proc/self/fd; where that fails, and for sockets,
each transfer is small, asked to return at once, and made only when poll(2) says that it will not block. Regular files are
read and written at the offset that is shared with everybody who holds the description.

Safety: the descriptors are duplicates that belong to this object; which one the user meant was decided by whoever made it. All operations
return −errno instead of raising. SIGPIPE is blocked out by Python's own setting (ignored); writes answer −EPIPE.
"""

import _socket as socket  # what is needed of it, without 3 ms of import
import errno
import fcntl
import os
import select
import stat as host_stat
from typing import Final

from cruck.framework.io.host_file import HostFile
from cruck.framework.io.host_tree_file import HostStat, to_host_stat

POLLIN: Final = 0x001
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010

# A pipe that is ready for writing takes this much without blocking.
PIPE_BUF: Final = 4096
# What a terminal that is ready takes even if its description blocks.
TERMINAL_CHUNK: Final = 128
MAX_TRANSFER: Final = 1 << 20
# Where duplicates are put, out of the way of low numbers.
LOWEST_FD: Final = 100


class HostStream(HostFile):
    # Never change:
    number: int  # the descriptor it was made from
    mode: int  # st_mode
    access: int  # O_RDONLY, O_WRONLY or O_RDWR
    is_append: bool  # the description has O_APPEND
    is_always_ready: bool  # a regular file or directory: reads and writes do not wait for anybody
    is_terminal: bool
    is_nonblocking: bool  # opened a second time: _fd is that, and AddressSpace.read_host, write_host may be used on us
    _shared: int  # duplicate of the given descriptor; the same as _fd unless is_nonblocking
    _socket: socket.socket | None

    def __init__(self, number: int) -> None:
        """Duplicates the descriptor. Errors: OSError(EBADF)."""
        super().__init__(-1)
        self._shared = -1
        self._socket = None
        self.number = number
        self.is_nonblocking = False
        self._fd = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, LOWEST_FD)
        self._shared = self._fd
        self.mode = os.fstat(self._fd).st_mode
        flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
        self.access = flags & os.O_ACCMODE
        self.is_append = bool(flags & os.O_APPEND)
        kind = host_stat.S_IFMT(self.mode)
        self.is_always_ready = kind in (host_stat.S_IFREG, host_stat.S_IFDIR, host_stat.S_IFBLK)
        self.is_terminal = kind == host_stat.S_IFCHR and os.isatty(self._fd)
        if kind == host_stat.S_IFSOCK:
            self._socket = socket.socket(fileno=self._fd)
        elif kind == host_stat.S_IFIFO or self.is_terminal:
            self._open_again()

    def _open_again(self) -> None:
        flags = self.access | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            fd = os.open(f"/proc/self/fd/{self._fd}", flags)
        except OSError:
            return  # no /proc, another user's pipe, a FIFO nobody reads: poll first, then
        if os.path.sameopenfile(fd, self._fd):
            self._fd = fd
            self.is_nonblocking = True
        else:
            os.close(fd)

    def __reduce__(self) -> tuple[object, ...]:
        return (_reopen, (self.number, self.tag))

    def close(self) -> None:
        """Idempotent. The other side learns of it once all who share the description have closed it too."""
        if self._socket is not None:
            self._socket.detach()
            self._socket = None
        shared, self._shared = self._shared, -1
        if shared != self._fd and shared >= 0:
            os.close(shared)
        super().close()

    def poll_now(self, events: int) -> int:
        """Which of poll(2)'s `events` (and POLLERR, POLLHUP) hold now."""
        if self._fd < 0:
            return POLLERR | POLLHUP
        if self.is_always_ready:
            return events & (POLLIN | POLLOUT)
        poll = select.poll()
        poll.register(self._shared, events)
        try:
            ready = poll.poll(0)
        except OSError:
            return 0
        return ready[0][1] if ready else 0

    def read_nowait(self, length: int) -> bytes | int:
        """At most `length` bytes; b"" at end of file; −EAGAIN; −errno."""
        length = min(length, MAX_TRANSFER)
        try:
            if self._socket is not None:
                return self._socket.recv(length, socket.MSG_DONTWAIT)
            if not self.is_nonblocking and not self.is_always_ready and not self.poll_now(POLLIN):
                return -errno.EAGAIN
            return os.read(self._fd, length)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def write_chunk(self) -> int:
        """The most that write_nowait() may be given: it then takes all or, only from sockets and terminals, a part."""
        if self.is_always_ready:
            return MAX_TRANSFER
        return TERMINAL_CHUNK if self.is_terminal and not self.is_nonblocking else PIPE_BUF

    def write_nowait(self, data: bytes) -> int:
        """Bytes taken of at most write_chunk(); −EAGAIN; −EPIPE; −errno."""
        try:
            if self._socket is not None:
                return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            if not self.is_nonblocking and not self.is_always_ready and not self.poll_now(POLLOUT):
                return -errno.EAGAIN
            return os.write(self._fd, data)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def pread(self, length: int, offset: int) -> bytes | int:
        """As HostFile's; offset −1: read_nowait()."""
        return self.read_nowait(length) if offset == -1 else super().pread(length, offset)

    def pwrite(self, data: bytes, offset: int) -> int:
        return self.write_nowait(data) if offset == -1 else super().pwrite(data, offset)

    def stat(self) -> HostStat | int:
        try:
            return to_host_stat(os.fstat(self._fd))
        except OSError as error:
            return -(error.errno or errno.EIO)

    def nr_readable(self) -> int:
        """FIONREAD: bytes, or −errno."""
        import array
        import termios

        count = array.array("i", [0])
        try:
            fcntl.ioctl(self._fd, termios.FIONREAD, count)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return count[0]


def _reopen(number: int, tag: int) -> HostStream:
    """A restored snapshot goes on with the descriptor of that number of its new process."""
    stream = HostStream(number)
    stream.tag = tag
    return stream
