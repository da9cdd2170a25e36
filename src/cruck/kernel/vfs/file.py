# SPDX-License-Identifier: MPL-2.0
"""File: an open file description (Linux: struct file), the base class of everything behind a descriptor.

The defaults refuse as Linux does for a file without that operation. A file never waits: it answers, or says
`WOULD_BLOCK`, and wakes its `wait_queue()` when asking again is worth while. The edge (syscalls/) does the waiting,
O_NONBLOCK and positions.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EBADF, EINVAL, ENODEV, ENOTDIR, ENOTTY, ESPIPE
from cruck.abi.inotify import IN_CLOSE_NOWRITE, IN_CLOSE_WRITE
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.fsnotify import notify_dentry, notify_gone
from cruck.kernel.vfs.mapping import Mapping
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.poll.epoll import EpollItem
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.file_owner import FileOwner
    from cruck.kernel.vfs.inode import Inode

# What poll(2) reports for a file that is always ready: POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM.
DEFAULT_POLL: Final = 0x145

# File.counts
COUNT_OPEN: Final = 1  # in inode.nr_opens
COUNT_WRITER: Final = 2  # +1 in inode.write_count
COUNT_EXEC: Final = 4  # −1 in inode.write_count


class DirEntry:
    """One entry of a directory: `cookie` is the position *after* it (getdents64's d_off)."""

    name: bytes
    ino: int
    kind: int  # DT_*
    cookie: int

    def __init__(self, name: bytes, ino: int, kind: int, cookie: int) -> None:
        self.name = name
        self.ino = ino
        self.kind = kind
        self.cookie = cookie


class File:
    flags: int  # O_* status and access mode; without O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_CLOEXEC
    pos: int  # bytes; meaningful if is_seekable
    is_seekable: bool
    refs: int  # descriptors, mappings and messages in flight that hold it; 0 → release() was called
    path: "Path | None"  # where it was opened; None for anonymous files
    owner: "FileOwner | None"  # who gets SIGIO; made at first need
    counts: int  # what it counts for in its inode (vfs/open.py): 0 nothing yet, else COUNT_* bits
    epoll_items: "dict[EpollItem, None] | None"  # epoll registrations of this file; they end with it

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.pos = 0
        self.is_seekable = False
        self.refs = 0
        self.path = None
        self.owner = None
        self.counts = 0
        self.epoll_items = None

    # Life: the file table and others hold references.
    def get(self) -> "File":
        self.refs += 1
        return self

    def put(self) -> None:
        self.refs -= 1
        if self.refs == 0:
            if self.epoll_items is not None:
                for item in list(self.epoll_items):
                    item.detach()
                self.epoll_items = None
            if self.owner is not None:
                self.owner.disarm()
            self._leave_inode()

    def _leave_inode(self) -> None:
        """Gives back locks and counts; the inode is forgotten with its last name and last file."""
        inode = self.inode()
        if inode is not None and inode.locks is not None:
            inode.locks.release_file(self)
        self.release()
        if inode is not None and inode.watches is not None and self in inode.watches:
            inode.watches[self].detach()
        if self.path is not None and not self.flags & 0o10000000:  # O_PATH
            notify_dentry(self.path.dentry, IN_CLOSE_WRITE if self.flags & 3 else IN_CLOSE_NOWRITE)
        counts = self.counts
        if inode is not None and counts:
            self.counts = 0
            inode.nr_opens -= 1
            if counts & COUNT_WRITER:
                inode.write_count -= 1
            elif counts & COUNT_EXEC:
                inode.write_count += 1
            if inode.nr_opens == 0 and inode.nlink == 0:
                notify_gone(inode)
                inode.forget()

    def release(self) -> None:
        """The last reference is gone."""

    def flush(self, task: "Task") -> int:
        """A descriptor of it is being closed by `task`; 0 or −errno for close(2)."""
        return 0

    # Data. `offset` is the byte position for seekable files, ignored by streams.
    def read(self, out: VmWriter, offset: int) -> int:
        """Bytes (0 = end of file), −errno or WOULD_BLOCK. `out.remaining` > 0."""
        return -EINVAL

    def write(self, data: VmReader, offset: int) -> int:
        """Bytes, −errno or WOULD_BLOCK. May take fewer than `data.remaining`. O_APPEND is the file's own business:
        it writes at its end and returns normally; `append_pos()` then tells the new position."""
        return -EINVAL

    def append_pos(self) -> int:
        """The position after a write with O_APPEND: the end of the file."""
        return self.stat().size

    def read_timeout_ns(self) -> int:
        """How long a blocking read waits (SO_RCVTIMEO); −1: for ever."""
        return -1

    def write_timeout_ns(self) -> int:
        return -1

    def lseek(self, offset: int, whence: int) -> int:
        """New position or −errno; sets self.pos."""
        return -ESPIPE

    def readdir(self, cookie: int) -> list[DirEntry]:
        """Entries after `cookie` (0 = from the start), '.' and '..' included, some or all; empty at the end.
        Errors: LinuxError."""
        from cruck.kernel.errors import LinuxError

        raise LinuxError(ENOTDIR)

    # Readiness.
    def poll(self) -> int:
        """POLL* bits that hold now."""
        return DEFAULT_POLL

    def wait_queue(self) -> WaitQueue | None:
        """Woken when poll() may have changed; None: it never changes."""
        return None

    # The rest.
    def supports_async(self) -> bool:
        """Can it send SIGIO (O_ASYNC)?"""
        return False

    def set_default_owner(self, task: "Task", owner: "FileOwner") -> None:
        """O_ASYNC was turned on and nobody is to be told yet. Terminals choose their foreground group."""

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        return -ENOTTY

    def mapping(self) -> Mapping | None:
        """For mmap; None: −ENODEV."""
        return None

    def map_error(self) -> int:
        return -ENODEV

    def stat(self) -> Stat:
        inode = self.inode()
        if inode is None:
            return Stat()
        return inode.stat()

    def inode(self) -> "Inode | None":
        return self.path.dentry.inode if self.path is not None else None

    def link_path(self) -> "Path | None":
        """Where /proc/PID/fd/N leads when it is opened again: `path`; an anonymous pipe or socket answers a path on its own
        hidden file system (`describe()` stays its name). None: it cannot be opened again (ENXIO)."""
        return self.path

    def truncate(self, length: int) -> int:
        return -EINVAL

    def fallocate(self, mode: int, offset: int, length: int) -> int:
        return -ENODEV

    def fsync(self, data_only: bool) -> int:
        return -EINVAL

    def set_flags(self, flags: int) -> int:
        """fcntl(F_SETFL): `flags` are already limited to those that may change. 0 or −errno."""
        self.flags = flags
        return 0

    def describe(self) -> str:
        """What /proc/self/fd/N links to, for files without a path: "pipe:[12]"."""
        return "anon_inode:[file]"

    def fdinfo(self) -> bytes:
        """Lines of /proc/PID/fdinfo/N beyond those all files have (Linux: show_fdinfo)."""
        return b""

    # Checks the edge makes before read/write.
    def is_readable(self) -> bool:
        return self.flags & 3 != 1 and not self.flags & 0o10000000  # O_WRONLY, O_PATH

    def is_writable(self) -> bool:
        return self.flags & 3 != 0 and not self.flags & 0o10000000


BAD_FD: Final = -EBADF
