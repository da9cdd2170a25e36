# SPDX-License-Identifier: MPL-2.0
"""The nodes procfs and sysfs are made of: directories, text files and symbolic links.

Names are looked up every time (`caches_names` is False), so a node is made by each lookup and holds only what it is about.
`DirectoryNode` answers lookups and lists; `TextNode` has contents computed when it is read and perhaps takes writes; `LinkNode` is a
symbolic link. Subclasses override `render`, `store`, `check_open`.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EINVAL, EIO, EISDIR, ENOENT, EPERM
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.procfs.text_file import DirectoryFile, TextFile
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.inode import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, FileSystem, Inode
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.pid_namespace import PidNamespace
    from cruck.kernel.vfs.dentry import Path

O_ACCMODE: Final = 3
DT_DIR: Final = 4
DT_REG: Final = 8
DT_LNK: Final = 10


class PseudoFs(FileSystem):
    """A file system whose contents are computed. Inode numbers of static nodes are derived from their path."""

    kernel: "Kernel"
    pid_ns: "PidNamespace"  # whose numbers it shows (procfs)
    start_ns: int  # realtime at mount: times of nodes that belong to no process

    def __init__(self, kernel: "Kernel", name: bytes, dev: int) -> None:
        super().__init__(name, dev)
        self.kernel = kernel
        self.pid_ns = kernel.namespaces.pid
        self.caches_names = False
        self.start_ns = kernel.clock.realtime_ns()


class PseudoInode(Inode):
    pseudo: PseudoFs

    def __init__(self, fs: PseudoFs, ino: int, mode: int, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, ino, mode, uid, gid)
        self.pseudo = fs

    def stat(self) -> Stat:
        stat = Stat()
        stat.dev = self.fs.dev
        stat.ino = self.ino
        stat.mode = self.mode
        stat.nlink = self.nlink
        stat.uid = self.uid
        stat.gid = self.gid
        stat.blksize = 1024
        stat.size = self.shown_size()
        stat.atime_ns = stat.mtime_ns = stat.ctime_ns = self.time_ns()
        return stat

    def shown_size(self) -> int:
        """st_size: 0 in procfs, whatever the contents."""
        return 0

    def time_ns(self) -> int:
        return self.pseudo.start_ns

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        # Touching times is harmless (opening for writing may ask for it); modes and owners are the kernel's.
        if mode != -1 and mode & 0o7777 != self.mode & 0o7777 or uid not in (-1, self.uid) or gid not in (-1, self.gid):
            raise LinuxError(EPERM)

    def kind(self) -> int:
        """DT_* of a directory entry for it."""
        if self.mode & S_IFMT == S_IFDIR:
            return DT_DIR
        return DT_LNK if self.mode & S_IFMT == S_IFLNK else DT_REG

    # Nothing can be made, removed or renamed here.
    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> Inode:
        raise LinuxError(EACCES if self.fs.name != b"proc" else ENOENT)

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> Inode:
        raise LinuxError(EPERM if self.fs.name != b"proc" else ENOENT)

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> Inode:
        raise LinuxError(EPERM)

    def link(self, name: bytes, target: Inode) -> None:
        raise LinuxError(EPERM)

    def unlink(self, name: bytes, target: Inode) -> None:
        raise LinuxError(EPERM)

    def rmdir(self, name: bytes, target: Inode) -> None:
        raise LinuxError(EPERM)

    def rename(self, name: bytes, source: Inode, new_dir: Inode, new_name: bytes, target: Inode | None, exchange: bool) -> None:
        raise LinuxError(EPERM)


class DirectoryNode(PseudoInode):
    def __init__(self, fs: PseudoFs, ino: int, mode: int, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, ino, S_IFDIR | mode, uid, gid)
        self.nlink = 2

    def open(self, path: "Path", flags: int) -> File:
        if flags & O_ACCMODE:
            raise LinuxError(EISDIR)
        self.check_open(flags)
        return DirectoryFile(self, flags)

    def check_open(self, flags: int) -> None:
        """Errors: LinuxError(EACCES)."""

    def list(self, cookie: int) -> list[DirEntry]:
        """Entries with cookies > `cookie`, which is ≥ 2, in the order of cookies; '.' and '..' are not included.
        All or the next few; empty at the end."""
        raise NotImplementedError

    def parent_ino(self) -> int:
        return 1


class TextNode(PseudoInode):
    """A file whose contents are `render()`ed at the first read and again after each rewind (Linux: seq_file)."""

    def __init__(self, fs: PseudoFs, ino: int, mode: int, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, ino, S_IFREG | mode, uid, gid)

    def open(self, path: "Path", flags: int) -> File:
        self.check_open(flags)
        return TextFile(self, flags)

    def check_open(self, flags: int) -> None:
        """Errors: LinuxError(EACCES, ESRCH)."""

    def render(self) -> bytes:
        """The whole contents. Errors: LinuxError(ESRCH)."""
        raise LinuxError(EINVAL)

    def store(self, data: bytes, offset: int) -> int:
        """A write: bytes taken or −errno."""
        return -EIO

    def truncate(self, length: int) -> None:
        """O_TRUNC and truncate(2) change nothing, as in procfs."""


class LinkNode(PseudoInode):
    """A symbolic link with a fixed or computed target."""

    def __init__(self, fs: PseudoFs, ino: int, target: bytes, uid: int = 0, gid: int = 0, mode: int = 0o777) -> None:
        super().__init__(fs, ino, S_IFLNK | mode, uid, gid)
        self.target = target

    def readlink(self) -> bytes:
        return self.target
