# SPDX-License-Identifier: MPL-2.0
"""Inode and FileSystem: base classes of what file systems are made of. Defaults refuse.

Names are single components as bytes, never "." or ".." or empty, at most NAME_MAX; the path walk has checked
permission,
existence (through the dentry cache) and read-only mounts before it calls a changing method. Times are ns since the epoch.
Methods raise LinuxError for refusals; lookups answer None for "no such name" (a negative dentry remembers it).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENODATA, ENOTDIR, EOPNOTSUPP, EPERM, EROFS
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.ipc.pipe import PipeBuffer
    from cruck.kernel.net.unix.socket import UnixSocket
    from cruck.kernel.process.task import Task
    from cruck.kernel.process.user_namespace import UserNamespace
    from cruck.kernel.vfs.acl import Acl
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.file import File
    from cruck.kernel.vfs.inotify import Watch
    from cruck.kernel.vfs.locks import LockList

S_IFMT: Final = 0o170000
S_IFDIR: Final = 0o040000
S_IFREG: Final = 0o100000
S_IFLNK: Final = 0o120000


class FileSystem:
    """A mounted instance (Linux: super_block)."""

    name: bytes  # "tmpfs", …: /proc/mounts
    dev: int  # st_dev; unique per instance
    is_read_only: bool
    root: "Inode"
    # False: names may appear or change behind our back (host directories, procfs): look up every time.
    caches_names: bool
    nr_negative: int  # names in the dentry cache that are known to be absent
    user_ns: "UserNamespace | None"  # of who mounted it
    nr_mounts: int  # in mount tables, the root of a namespace not counted

    def __init__(self, name: bytes, dev: int) -> None:
        self.user_ns = None
        self.name = name
        self.dev = dev
        self.is_read_only = False
        self.caches_names = True
        self.nr_mounts = 0
        self.nr_negative = 0

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        """(f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree)"""
        return (0, 4096, 0, 0, 0, 0, 0)

    def sync(self) -> None:
        """Writes back what a power loss would lose."""

    def check_whiteout(self) -> None:
        """May a whiteout be made here (RENAME_WHITEOUT)? Errors: LinuxError(EINVAL: not on this kind; ENOSPC)."""
        raise LinuxError(EINVAL)

    def mount_options(self) -> bytes:
        """Extra options shown in /proc/mounts after rw/ro, such as b"size=1024k"."""
        return b""


class Inode:
    fs: FileSystem
    ino: int
    mode: int  # type and permission bits
    uid: int
    gid: int
    nlink: int
    rdev: int
    locks: "LockList | None"  # POSIX/OFD/flock locks; made at the first one
    pipe: "PipeBuffer | None"  # what flows through a FIFO while it is open
    socket: "UnixSocket | None"  # the AF_UNIX socket bound to this name
    watches: "dict[File, Watch] | None"  # who wants to know what happens to it; None: nobody
    nr_opens: int  # open file descriptions that refer to it (kept by vfs/open.py and File.put)
    write_count: int  # > 0: open for writing so many times; < 0: being executed (ETXTBSY)
    acl_access: "Acl | None"  # permissions beyond the mode (vfs/acl.py)
    acl_default: "Acl | None"  # of a directory: what is made in it inherits this
    is_linkable: bool  # made by O_TMPFILE without O_EXCL: linkat may give it a first name

    def __init__(self, fs: FileSystem, ino: int, mode: int, uid: int, gid: int) -> None:
        self.fs = fs
        self.ino = ino
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.nlink = 1
        self.rdev = 0
        self.locks = None
        self.pipe = None
        self.socket = None
        self.watches = None
        self.nr_opens = 0
        self.write_count = 0
        self.acl_access = self.acl_default = None
        self.is_linkable = False

    def is_dir(self) -> bool:
        return self.mode & S_IFMT == S_IFDIR

    def is_symlink(self) -> bool:
        return self.mode & S_IFMT == S_IFLNK

    def is_regular(self) -> bool:
        return self.mode & S_IFMT == S_IFREG

    def revalidate(self) -> bool:
        """For file systems with caches_names = False: is this still what its name means? Also refreshes
        mode/uid/gid."""
        return True

    # What it is.
    def stat(self) -> Stat:
        raise NotImplementedError

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        """−1 leaves a value as it is. Errors: LinuxError(EROFS, EPERM)."""
        raise LinuxError(EPERM)

    def truncate(self, length: int) -> None:
        """Errors: LinuxError(EINVAL, EFBIG, ENOSPC, EROFS)."""
        raise LinuxError(EINVAL)

    def open(self, path: "Path", flags: int) -> "File":
        """A new File for this inode (permission is checked; O_TRUNC is done by the caller). Errors: LinuxError.
        The caller sets `file.path`."""
        raise LinuxError(EOPNOTSUPP)

    def open_special(self, task: "Task", path: "Path", flags: int) -> "File | int | None":
        """For inodes that are not opened by their type: pipes and host streams re-opened through /proc/self/fd.
        None: open by type; a File; or what open(2) is to return (−errno, a blocking result)."""
        return None

    # Directories.
    def lookup(self, name: bytes) -> "Inode | None":
        raise LinuxError(ENOTDIR)

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> "Inode":
        """A new regular file, FIFO, socket or device node by the type bits of mode. Errors: LinuxError(EROFS, ENOSPC,
        …)."""
        raise LinuxError(EROFS)

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> "Inode":
        raise LinuxError(EROFS)

    def tmpfile(self, mode: int, uid: int, gid: int) -> "Inode":
        """A regular file without a name (nlink 0): open(O_TMPFILE)."""
        raise LinuxError(EOPNOTSUPP)

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> "Inode":
        raise LinuxError(EROFS)

    def link(self, name: bytes, target: "Inode") -> None:
        raise LinuxError(EROFS)

    def unlink(self, name: bytes, target: "Inode") -> None:
        raise LinuxError(EROFS)

    def rmdir(self, name: bytes, target: "Inode") -> None:
        """Errors: LinuxError(ENOTEMPTY)."""
        raise LinuxError(EROFS)

    def rename(self, name: bytes, source: "Inode", new_dir: "Inode", new_name: bytes, target: "Inode | None", exchange: bool) -> None:
        """Moves `source` (this directory's `name`) to new_dir/new_name, replacing `target` if there is one (types and
        emptiness checked by the caller except ENOTEMPTY), or exchanging the two."""
        raise LinuxError(EROFS)

    # Symbolic links.
    def readlink(self) -> bytes:
        raise LinuxError(EINVAL)

    def follow(self) -> "Path | None":
        """Magic links (/proc/self/fd/3, /proc/self/exe): where they lead directly; None: use readlink()."""
        return None

    def on_mount(self, change: int) -> None:
        """It became (1), or is no longer (−1), what a mount shows."""

    def set_acl(self, is_default: bool, acl: "Acl | None", mode: int) -> None:
        """Keeps an access control list, and the mode bits that go with it (−1: as they are). Errors: LinuxError(EOPNOTSUPP)."""
        raise LinuxError(EOPNOTSUPP)

    def supports_acl(self) -> bool:
        return False

    # Extended attributes.
    def getxattr(self, name: bytes) -> bytes:
        raise LinuxError(ENODATA if self.mode & S_IFMT in (S_IFREG, S_IFDIR) else EOPNOTSUPP)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        raise LinuxError(EOPNOTSUPP)

    def listxattr(self) -> list[bytes]:
        return []

    def removexattr(self, name: bytes) -> None:
        raise LinuxError(EOPNOTSUPP)

    def forget(self) -> None:
        """The last name and the last open file are gone: free what it holds (called by the VFS when nlink is 0 and no
        dentry or file refers to it any more)."""
